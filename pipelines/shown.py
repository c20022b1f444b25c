"""What a run's page shows of held-out predictions, and of labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.agreement import agreement_table
from pipelines.confusion import Confusion, confusion_of
from pipelines.coverage_page import coverage_page
from pipelines.figures import HeldOutFigures
from pipelines.predictions import HeldOutPredictions

if TYPE_CHECKING:
    from pipelines.report import TrainingReport


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutShown:
    """Figures, a matrix and a page.

    Attributes:
        figures: by name, as ``pipelines.figures`` has them, each with its ``.lower`` and ``.upper``.
        confusion: of regimes.
        coverage: HTML.
    """

    figures: Mapping[str, float]
    confusion: Confusion
    coverage: str


def held_out_shown(predictions: HeldOutPredictions, figures: HeldOutFigures) -> HeldOutShown:
    """Make what is shown."""
    return HeldOutShown(
        figures={
            f"{figure.name}{suffix}": value
            for figure in figures.figures
            for suffix, value in (("", figure.value), (".lower", figure.lower), (".upper", figure.upper))
        },
        confusion=confusion_of(predictions.regimes),
        coverage=coverage_page(predictions, figures),
    )


def labels_page(report: "TrainingReport") -> str:
    """Markdown: what was trained on, and where stressor and rule disagree about an axis."""
    return "\n".join(_label_lines(report)) + "\n"


def _label_lines(report: "TrainingReport") -> Iterator[str]:
    yield "# Labels"
    yield ""
    yield f"{report.traces} traces, {report.windows} windows, {len(report.groups)} workload groups; each was held out."
    yield ""
    yield f"Axes judged: {', '.join(report.judged) or 'none'}."
    yield ""
    yield "What injected stressors and top-down rules say of the same windows:"
    yield ""
    yield from (f"    {line}" for line in agreement_table(report.agreement).splitlines())
