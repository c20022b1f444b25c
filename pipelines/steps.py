"""The pipeline's steps as functions over paths: what a component calls, and nothing about Kubeflow."""

from pathlib import Path

from contracts.axis import Axis
from contracts.bundle import HeldOutFigure
from contracts.model import Document
from pipelines.dataset import read_dataset, write_dataset
from pipelines.family import HELD_OUT
from pipelines.gate import GateDecision
from pipelines.predictions import PREDICTIONS, write_predictions
from pipelines.settings import TrainingSettings
from pipelines.training import Training, train
from pipelines.training_data import TrainingData, training_data
from serving.mlflow_champion import BUNDLE_ARTIFACT

REPORT_FILE = "report.json"


class TrainingReport(Document):
    """What a training saw and found.

    Attributes:
        traces, windows: how many.
        groups: workload groups, each of which was held out.
        judged: axes that the data press often enough to learn.
        conflicts: per axis, windows whose stressor says one thing and whose rule another.
        figures: on workloads never seen.
    """

    traces: int
    windows: int
    groups: tuple[str, ...]
    judged: tuple[Axis, ...]
    conflicts: dict[Axis, int]
    figures: tuple[HeldOutFigure, ...]


class Outcome(Document):
    """How a run of the pipeline ended."""

    model: str
    version: str
    digest: str
    decision: GateDecision
    report: TrainingReport


def extract_step(traces: Path, state: Path, output: Path) -> None:
    """Read traces, check their vectors against the feature store, and write them out."""
    from pipelines.extract import extract  # noqa: PLC0415

    write_dataset(extract(read_dataset(traces), state), output)


def validate_step(extracted: Path) -> str:
    """Hold traces to the expectations; returns a ``Validation`` as JSON."""
    from pipelines.expectations import validate  # noqa: PLC0415

    return validate(read_dataset(extracted)).to_json().decode()


def train_step(extracted: Path, settings: str, output: Path) -> None:
    """Label, cut folds, train, calibrate, hold out and export, into a directory."""
    chosen = TrainingSettings.from_json(settings)
    data = training_data(read_dataset(extracted), chosen)
    write_training(train(data, chosen), data, output)


def write_training(training: Training, data: TrainingData, output: Path) -> None:
    """Bundles, predictions and report as the later steps find them, in a directory."""
    training.draft.write(output / BUNDLE_ARTIFACT)
    for fold, draft in training.held_out.items():
        draft.write(output / HELD_OUT / f"{fold:02d}")
    write_predictions(training.predictions, output / PREDICTIONS)
    report = TrainingReport(
        traces=len(data.dataset.traces),
        windows=len(data.windows.traces),
        groups=training.predictions.groups,
        judged=data.labels.judged,
        conflicts=dict(data.labels.conflicts),
        figures=training.figures.figures,
    )
    (output / REPORT_FILE).write_bytes(report.to_json(indent=2))


def register_step(trained: Path, place: str, settings: str) -> str:
    """Register a training; returns a ``Registration`` as JSON."""
    from pipelines.registry import RegistryPlace, register  # noqa: PLC0415

    return register(trained, RegistryPlace.from_json(place), TrainingSettings.from_json(settings)).to_json().decode()


def promote_step(extracted: Path, trained: Path, registration: str, *, state: Path, place: str, settings: str) -> str:
    """Ask the gate and move the alias if it says so; returns an ``Outcome`` as JSON."""
    from pipelines.promote import promote  # noqa: PLC0415
    from pipelines.registry import Registration, RegistryPlace  # noqa: PLC0415

    registered = Registration.from_json(registration)
    decision = promote(
        registered,
        dataset=read_dataset(extracted),
        state=state,
        place=RegistryPlace.from_json(place),
        settings=TrainingSettings.from_json(settings),
    )
    outcome = Outcome(
        model=registered.model,
        version=registered.version,
        digest=registered.digest,
        decision=decision,
        report=TrainingReport.from_json((trained / REPORT_FILE).read_bytes()),
    )
    return outcome.to_json().decode()
