"""Promotion: the gate is asked here, whatever a pipeline asked before, and only then the alias moves."""

import tempfile
from pathlib import Path

from pipelines.dataset import TraceDataset
from pipelines.errors import PipelineError
from pipelines.gate import GateDecision, decide
from pipelines.registry import CHAMPION_ALIAS, Registration, RegistryPlace, champion_version, family_of, write_decision
from pipelines.settings import TrainingSettings
from pipelines.training_data import training_data
from serving.mlflow_champion import pull_champion, registry_client


def promote(
    registration: Registration,
    *,
    dataset: TraceDataset,
    state: Path,
    place: RegistryPlace,
    settings: TrainingSettings,
) -> GateDecision:
    """Ask the gate about a registered version; if it says so, move the alias and install the champion.

    The decision is written to the version first. A refused challenger leaves alias and state as they were.

    Args:
        registration: the challenger.
        dataset: that it was trained on.
        state: where the champion is installed.
        place: of the registry.
        settings: of the training.

    Raises:
        PipelineError: the version was trained on another dataset.
        BundleError: a bundle of the registry is not what its tag says.
        DataError: the dataset can't be judged on.
    """
    client = registry_client(place.tracking_uri)
    version = client.get_model_version(registration.model, registration.version)
    champion = champion_version(client)
    data = training_data(dataset, settings)
    with tempfile.TemporaryDirectory() as directory:
        challenger_files, champion_files = Path(directory) / "challenger", Path(directory) / "champion"
        challenger_files.mkdir()
        champion_files.mkdir()
        challenger = family_of(client, version, challenger_files)
        if challenger.whole.manifest.training_data != dataset.digest:
            raise PipelineError(
                f"version {version.version} was trained on {challenger.whole.manifest.training_data}, the gate was "
                f"given {dataset.digest}: judge it on the traces that it was trained on"
            )
        decision = decide(
            challenger,
            None if champion is None else family_of(client, champion, champion_files),
            champion_version=None if champion is None else str(champion.version),
            data=data,
            settings=settings,
        )
    write_decision(client, registration.version, decision)
    if decision.promoted:
        client.set_registered_model_alias(registration.model, CHAMPION_ALIAS, registration.version)
        pull_champion(state, tracking_uri=place.tracking_uri, model=registration.model, alias=CHAMPION_ALIAS)
    return decision
