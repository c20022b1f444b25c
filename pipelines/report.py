"""What a training and its gate leave to be read, as documents."""

from contracts.axis import Axis
from contracts.bundle import HeldOutFigure
from contracts.model import Document
from pipelines.agreement import AxisAgreement
from pipelines.gate import GateDecision
from pipelines.training import Training
from pipelines.training_data import TrainingData


class TrainingReport(Document):
    """What a training saw and found.

    Attributes:
        traces, windows: how many.
        groups: workload groups, each of which was held out.
        judged: axes that the data press often enough to learn.
        agreement: per axis, what stressors and top-down rules say of the windows that both speak of.
        figures: on workloads never seen.
    """

    traces: int
    windows: int
    groups: tuple[str, ...]
    judged: tuple[Axis, ...]
    agreement: tuple[AxisAgreement, ...]
    figures: tuple[HeldOutFigure, ...]


class Outcome(Document):
    """How a version fared at the gate."""

    model: str
    version: str
    digest: str
    decision: GateDecision


def report_of(training: Training, data: TrainingData) -> TrainingReport:
    """The report of a training."""
    return TrainingReport(
        traces=len(data.dataset.traces),
        windows=len(data.windows.traces),
        groups=training.predictions.groups,
        judged=data.labels.judged,
        agreement=data.labels.agreement,
        figures=training.figures.figures,
    )
