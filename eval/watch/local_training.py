"""The process that ``LocalTrainer`` starts: a training, and how it ended.

python -m eval.watch.local_training STATE RUN_DIRECTORY

<state>/watch/training.json    settings of the training, the usual ones where there is no such file
<state>/watch/registry.json    MLflow, the state directory's own likewise
"""

import sys
from pathlib import Path

from contracts.errors import ContractError
from eval.watch.local_trainer import write_end, write_pid
from pipelines.errors import PipelineError
from pipelines.local_run import train_locally
from pipelines.registry import RegistryPlace, local_registry
from pipelines.settings import TrainingSettings
from serving.replacement import replace_file

SETTINGS = Path("watch") / "training.json"
REGISTRY = Path("watch") / "registry.json"


def settings_of_watch(state: Path) -> TrainingSettings:
    """Those that the watch trains with; the usual ones where none were told."""
    file = state / SETTINGS
    return TrainingSettings.from_json(file.read_bytes()) if file.exists() else TrainingSettings()


def registry_of_watch(state: Path) -> RegistryPlace:
    """The registry that it trains into; the state directory's own where none was told."""
    file = state / REGISTRY
    return RegistryPlace.from_json(file.read_bytes()) if file.exists() else local_registry(state)


def write_settings(state: Path, settings: TrainingSettings, registry: RegistryPlace) -> None:
    """Let the watch's trainings find them."""
    (state / SETTINGS).parent.mkdir(parents=True, exist_ok=True)
    replace_file(state / SETTINGS, settings.to_json(indent=2) + b"\n")
    replace_file(state / REGISTRY, registry.to_json(indent=2) + b"\n")


def main(state: Path, place: Path) -> None:
    """Train, and leave how it ended."""
    write_pid(place)
    failure = ""
    try:
        train_locally(state, settings_of_watch(state), registry=registry_of_watch(state))
    except (PipelineError, ContractError, OSError) as error:
        failure = str(error)
    write_end(place, failure)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
