"""What Leeward would have changed: placements counted by its answer, by workload and node, by day and hour."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

import numpy as np

from eval.shadow.placement import Answer, Fit, Placement
from eval.shadow.report import Cell, Changes, Row, Slot, Spread, Table
from scheduler_extender.scoring import HIGHEST

SHOWN = 10
"""Rows of a table."""
_STEPS = 41
_HOURS = tuple(f"{hour:02d}" for hour in range(24))


def changes_of(placements: Sequence[Placement], exceeded: Mapping[str, bool]) -> Changes:
    """Count placements.

    Args:
        placements: of pods that were treated alike.
        exceeded: how they went, by UID; those of which nobody knows are absent.
    """
    both = [
        (placement.ratio, placement.best_ratio)
        for placement in placements
        if placement.ratio is not None and placement.best_ratio is not None
    ]
    lost = Counter(placement.points_lost for placement in placements if placement.answer is Answer.MOVE)
    by_hour = _grouped(placements, lambda placement: f"{placement.decided:%H}")
    by_day = _grouped(placements, lambda placement: f"{placement.decided:%Y-%m-%d}")
    return Changes(
        placements=len(placements),
        cells=_cells(placements, exceeded),
        points_lost=tuple(lost[points] for points in range(1, HIGHEST + 1)),
        taken=_spread([taken for taken, _ in both]),
        best=_spread([best for _, best in both]),
        ruled_out=sum(placement.is_ruled_out for placement in placements),
        perhaps_ruled_out=sum(placement.may_be_ruled_out for placement in placements),
        workloads=_table(_grouped(placements, lambda placement: placement.workload)),
        nodes=_table(_grouped(placements, lambda placement: placement.node)),
        days=tuple(_slot(day, of) for day, of in by_day.items()),
        hours=tuple(_slot(hour, by_hour.get(hour, [])) for hour in _HOURS) if placements else (),
    )


def _grouped(placements: Iterable[Placement], name_of: Callable[[Placement], str]) -> dict[str, list[Placement]]:
    groups: defaultdict[str, list[Placement]] = defaultdict(list)
    for placement in placements:
        groups[name_of(placement)].append(placement)
    return dict(groups)


def _cells(placements: Iterable[Placement], exceeded: Mapping[str, bool]) -> tuple[Cell, ...]:
    counts: defaultdict[tuple[Answer, Fit, Fit], list[bool | None]] = defaultdict(list)
    for placement in placements:
        counts[placement.answer, placement.here, placement.there].append(exceeded.get(placement.uid))
    return tuple(
        Cell(
            answer=answer,
            here=here,
            there=there,
            placements=len(went),
            exceeded=went.count(True),
            kept=went.count(False),
        )
        for (answer, here, there), went in sorted(counts.items())
    )


def _spread(ratios: Sequence[float]) -> Spread | None:
    if not ratios:
        return None
    steps = np.quantile(ratios, np.linspace(0.0, 1.0, _STEPS))
    return Spread(
        median=float(np.quantile(ratios, 0.5)),
        ninetieth=float(np.quantile(ratios, 0.9)),
        worst=max(ratios),
        steps=tuple(steps.tolist()),
    )


def _table(groups: Mapping[str, Sequence[Placement]]) -> Table:
    rows = sorted(
        (_row(name, placements) for name, placements in groups.items()),
        key=lambda row: (-row.moved, -row.beyond, -row.placements, row.name),
    )
    return Table(rows=tuple(rows[:SHOWN]), more=max(len(rows) - SHOWN, 0))


def _row(name: str, placements: Sequence[Placement]) -> Row:
    taken = [placement.ratio for placement in placements if placement.ratio is not None]
    best = [placement.best_ratio for placement in placements if placement.best_ratio is not None]
    return Row(
        name=name,
        placements=len(placements),
        moved=sum(placement.answer is Answer.MOVE for placement in placements),
        beyond=sum(placement.here is Fit.BEYOND for placement in placements),
        no_better=sum(_has_no_better(placement) for placement in placements),
        taken=median(taken) if taken else None,
        best=median(best) if best else None,
        worst=max(taken, default=None),
    )


def _slot(name: str, placements: Sequence[Placement]) -> Slot:
    moved = sum(placement.answer is Answer.MOVE for placement in placements)
    no_better = sum(map(_has_no_better, placements))
    left = sum(placement.answer is Answer.LEAVE and placement.here is Fit.WITHIN for placement in placements)
    return Slot(
        name=name, moved=moved, no_better=no_better, left=left, unsaid=len(placements) - moved - no_better - left
    )


def _has_no_better(placement: Placement) -> bool:
    return placement.answer is Answer.LEAVE and placement.here is Fit.BEYOND
