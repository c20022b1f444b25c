"""How far injected stressors and top-down rules agree, axis by axis: rules label what no stressor can."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.model import Document


class AxisAgreement(Document):
    """Windows with a stressor of some axis, counted by what it and the rule say of this one.

    Attributes:
        axis: this one.
        both: a strong stressor of it ran, and the rule sees it pressed.
        stressor_alone: a strong stressor ran, and the rule sees nothing.
        rule_alone: none ran, and the rule sees it pressed all the same: by a weaker stressor or by a workload.
        undecided: of these, windows without any stressor of it, where nobody can say.
        neither: none ran, and the rule sees nothing.
        unsaid: the rule's counters are missing.
    """

    axis: Axis
    both: int
    stressor_alone: int
    rule_alone: int
    undecided: int
    neither: int
    unsaid: int

    @property
    def said(self) -> int:
        """Windows that the rule has an answer for."""
        return self.both + self.stressor_alone + self.rule_alone + self.neither

    @property
    def precision(self) -> float | None:
        """Of windows that the rule sees pressed, the share with a strong stressor; 0 to 1."""
        return _share(self.both, self.both + self.rule_alone)

    @property
    def recall(self) -> float | None:
        """Of windows with a strong stressor, the share that the rule sees pressed; 0 to 1."""
        return _share(self.both, self.both + self.stressor_alone)

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance, -1 to 1: Cohen, "A coefficient of agreement for nominal scales", 1960.

        ``None`` where both always say the same one thing, or the rule says nothing: chance alone would agree.
        """
        if not self.said:
            return None
        stressed, ruled = self.both + self.stressor_alone, self.both + self.rule_alone
        agreed = (self.both + self.neither) / self.said
        chance = (stressed * ruled + (self.said - stressed) * (self.said - ruled)) / self.said**2
        return (agreed - chance) / (1.0 - chance) if chance < 1.0 else None


def agreement_of(
    intensity: NDArray[np.float64], ruled: NDArray[np.float64], *, strong: float
) -> tuple[AxisAgreement, ...]:
    """Count, per axis in the contract's order.

    Args:
        intensity: ``(n, len(AXES))``, of the axis's strongest stressor, 0 where none ran.
        ruled: ``(n, len(AXES))``, 1 pressed, 0 not, NaN where the rule can't be judged.
        strong: intensity from which a stressor presses its axis.
    """
    return tuple(
        AxisAgreement(
            axis=axis,
            both=int(((ran >= strong) & (by_rule == 1.0)).sum()),
            stressor_alone=int(((ran >= strong) & (by_rule == 0.0)).sum()),
            rule_alone=int(((ran < strong) & (by_rule == 1.0)).sum()),
            undecided=int(((ran == 0.0) & (by_rule == 1.0)).sum()),
            neither=int(((ran < strong) & (by_rule == 0.0)).sum()),
            unsaid=int(np.isnan(by_rule).sum()),
        )
        for axis, ran, by_rule in zip(AXES, intensity.T, ruled.T, strict=True)
    )


_COLUMNS = {
    "axis": 10,
    "both": 6,
    "stressor": 10,
    "rule": 6,
    "undecided": 11,
    "neither": 9,
    "unsaid": 8,
    "precision": 11,
    "recall": 8,
    "kappa": 7,
}
"""Headings of the table and their widths in characters."""


def agreement_table(agreement: Sequence[AxisAgreement]) -> str:
    """One line an axis, for a terminal or a Markdown code block.

    ``stressor`` and ``rule`` count the windows where that one alone says pressed: the conflicts.
    """
    lines = [tuple(_COLUMNS), *(_cells(each) for each in agreement)]
    return "\n".join(
        "".join(
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(cells, _COLUMNS.values(), strict=True))
        )
        for cells in lines
    )


def _cells(each: AxisAgreement) -> tuple[str, ...]:
    counts = (each.both, each.stressor_alone, each.rule_alone, each.undecided, each.neither, each.unsaid)
    shares = (each.precision, each.recall, each.kappa)
    return (
        each.axis.value,
        *(str(count) for count in counts),
        *("-" if share is None else f"{share:.2f}" for share in shares),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
