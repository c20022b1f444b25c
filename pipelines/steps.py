"""The pipelines' steps as functions over paths: what a component calls, and nothing about Kubeflow."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines.dataset import read_dataset, write_dataset
from pipelines.engine import Engine, EngineName, boosting_of, client_of
from pipelines.family import HELD_OUT
from pipelines.predictions import PREDICTIONS, read_predictions, write_predictions
from pipelines.report import Outcome, TrainingReport, report_of
from pipelines.settings import TrainingSettings
from pipelines.shown import HeldOutShown, held_out_shown
from pipelines.training import Training, refuse_unsupported_rate, train, trained_from
from pipelines.training_data import TrainingData, training_data
from serving.mlflow_champion import BUNDLE_ARTIFACT, registry_client

REPORT_FILE = "report.json"
"""What a training saw and found, in its output."""


def read_traces_step(traces: Path, output: Path) -> None:
    """Read all campaigns of a directory, and write them out as one dataset."""
    write_dataset(read_dataset(traces), output)


def take_in_step(traces: Path, state: Path) -> dict[str, int]:
    """Write campaigns into the feature store; returns how many vectors, profiles and labels were new."""
    from pipelines.taken_in import take_in  # noqa: PLC0415

    return take_in(traces, state)


def extract_step(traces: Path, state: Path, output: Path, *, engine: str = "{}") -> None:
    """Read traces, check their vectors against the feature store, and write them out.

    Args:
        traces: the dataset.
        state: the feature store's directory; with the dask engine every worker opens it under this path.
        output: where the dataset goes.
        engine: who checks, an ``Engine`` as JSON.
    """
    from pipelines.extract import extract  # noqa: PLC0415

    chosen, dataset = Engine.from_json(engine), read_dataset(traces)
    if chosen.name is EngineName.DASK:
        with client_of(chosen) as client:
            from pipelines.dask_extract import extract_on  # noqa: PLC0415

            checked = extract_on(client, dataset, state)
    else:
        checked = extract(dataset, state)
    write_dataset(checked, output)


def validate_step(extracted: Path, *, data_docs: Path, bad_rows: Path) -> str:
    """Hold traces to the expectations; returns a ``Validation`` as JSON.

    Args:
        extracted: the dataset.
        data_docs: where the page goes that says what was expected and found, also if it was not met.
        bad_rows: where rows go that fail an expectation.
    """
    from pipelines.validation import DOCS_PAGE, validated  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as docs:
        try:
            return validated(read_dataset(extracted), docs=Path(docs), bad_rows=bad_rows).to_json().decode()
        finally:
            _keep(Path(docs) / DOCS_PAGE, data_docs)


def _keep(made: Path, kept: Path) -> None:
    if made.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, kept)


def number_folds_step(extracted: Path, settings: str) -> list[int]:
    """Positions of the folds; refuses a rate that too few groups are left for, before anything is fitted."""
    chosen = TrainingSettings.from_json(settings)
    data = training_data(read_dataset(extracted), chosen)
    refuse_unsupported_rate(data, chosen)
    return list(range(len(data.folds.folds)))


def fit_fold_step(extracted: Path, settings: str, fold: int, output: Path, *, engine: str = "{}") -> None:
    """Fit a fold's share, into an archive; ``engine`` is who fits, an ``Engine`` as JSON."""
    from pipelines.fold_fits import fit_parts, parts_of, write_fits  # noqa: PLC0415

    chosen = TrainingSettings.from_json(settings)
    data = training_data(read_dataset(extracted), chosen)
    with boosting_of(Engine.from_json(engine)) as boosting:
        fits = fit_parts(data, parts_of(fold, len(data.folds.folds)), chosen, boosting)
    write_fits(fits, output)


def train_step(
    extracted: Path, settings: str, output: Path, *, fits: Sequence[Path] = (), engine: str = "{}"
) -> tuple[HeldOutShown, TrainingReport]:
    """Label, cut folds, train, calibrate, hold out and export, into a directory.

    Args:
        extracted: the dataset.
        settings: of the training, as JSON.
        output: see ``write_training``.
        fits: of the folds, where they were made before.
        engine: who fits, an ``Engine`` as JSON.

    Returns:
        What is to be shown of the training.
    """
    chosen = TrainingSettings.from_json(settings)
    data = training_data(read_dataset(extracted), chosen)
    if fits:
        from pipelines.fold_fits import WHOLE, fit_parts, read_fits  # noqa: PLC0415

        with boosting_of(Engine.from_json(engine)) as boosting:
            made = dict(fit_parts(data, [WHOLE], chosen, boosting))
        for file in fits:
            made |= read_fits(file)
        training = trained_from(made, data, chosen)
    else:
        with boosting_of(Engine.from_json(engine)) as boosting:
            training = train(data, chosen, boosting)
    report = write_training(training, data, output)
    return held_out_shown(training.predictions, training.figures), report


def write_training(training: Training, data: TrainingData, output: Path) -> TrainingReport:
    """Bundles, predictions and report as the later steps find them, in a directory; returns the report."""
    training.draft.write(output / BUNDLE_ARTIFACT)
    for fold, draft in training.held_out.items():
        draft.write(output / HELD_OUT / f"{fold:02d}")
    write_predictions(training.predictions, output / PREDICTIONS)
    report = report_of(training, data)
    (output / REPORT_FILE).write_bytes(report.to_json(indent=2))
    return report


def register_step(trained: Path, place: str, settings: str) -> str:
    """Register a training; returns a ``Registration`` as JSON."""
    from pipelines.registry import RegistryPlace, register  # noqa: PLC0415

    return register(trained, RegistryPlace.from_json(place), TrainingSettings.from_json(settings)).to_json().decode()


def promote_step(extracted: Path, registration: str, *, state: Path, place: str, settings: str, page: Path) -> str:
    """Ask the gate and move the alias if it says so; returns an ``Outcome`` as JSON, and writes the decision's page."""
    from pipelines.decision_page import decision_page  # noqa: PLC0415
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
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(decision_page(decision, model=registered.model, version=registered.version))
    outcome = Outcome(model=registered.model, version=registered.version, digest=registered.digest, decision=decision)
    return outcome.to_json().decode()


def find_version_step(version: str, place: str) -> str:
    """Look up a version in MLflow by its number or an alias; returns a ``Registration`` as JSON."""
    from pipelines.draft import MODEL_NAME  # noqa: PLC0415
    from pipelines.registry import Registration, RegistryPlace  # noqa: PLC0415
    from pipelines.versions import named  # noqa: PLC0415
    from serving.mlflow_champion import digest_of, run_of  # noqa: PLC0415

    found = named(registry_client(RegistryPlace.from_json(place).tracking_uri), version)
    registration = Registration(
        model=MODEL_NAME, version=str(found.version), run=run_of(found), digest=digest_of(found)
    )
    return registration.to_json().decode()


def show_held_out_step(registration: str, place: str, settings: str) -> HeldOutShown:
    """Fetch a registered version's held-out predictions and make what is shown of them."""
    from pipelines.heldout import figures  # noqa: PLC0415
    from pipelines.registry import Registration, RegistryPlace  # noqa: PLC0415
    from serving.mlflow_champion import download  # noqa: PLC0415

    registered = Registration.from_json(registration)
    client = registry_client(RegistryPlace.from_json(place).tracking_uri)
    version = client.get_model_version(registered.model, registered.version)
    with tempfile.TemporaryDirectory() as directory:
        download(client, version, PREDICTIONS, Path(directory))
        predictions = read_predictions(Path(directory) / PREDICTIONS)
    return held_out_shown(predictions, figures(predictions, TrainingSettings.from_json(settings)))
