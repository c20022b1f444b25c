"""A training within this process, without Kubeflow's steps around it: for where there is no time for them."""

import tempfile
from pathlib import Path

from eval.watch.local_trainer import RUNS, Ended
from eval.watch.trainer import RunState, RunStatus
from pipelines.dataset import dataset_directory, read_dataset
from pipelines.errors import PipelineError
from pipelines.gate_measurement import usual_limits
from pipelines.promote import promote
from pipelines.registry import local_registry, register
from pipelines.settings import TrainingSettings
from pipelines.steps import write_training
from pipelines.training import train
from pipelines.training_data import training_data
from serving.replacement import replace_file

_BUSY_SECONDS = 60.0
"""What the gate forgives a machine that has other things to do."""


class TrainerInProcess:
    """Trains while it is asked to start, see ``eval.watch.trainer.Trainer``; traces are not checked against a store.

    Args:
        state: the state directory, with traces and registry.
        settings: of the training.
    """

    def __init__(self, state: Path, settings: TrainingSettings) -> None:
        self._state, self._settings = state, settings

    def known(self) -> tuple[str, ...]:
        """See ``Trainer``."""
        return tuple(sorted(place.name for place in (self._state / RUNS).glob("*")))

    def start(self, run: str) -> str:
        """See ``Trainer``."""
        failure = ""
        try:
            self.train()
        except PipelineError as error:
            failure = str(error)
        place = self._state / RUNS / run
        place.mkdir(parents=True, exist_ok=True)
        replace_file(place / "ended.json", Ended(failure=failure).to_json())
        return run

    def train(self) -> bool:
        """Train, register, and ask the gate; whether it promoted.

        Raises:
            PipelineError: the traces can't be trained on.
        """
        settings, place = self._settings, local_registry(self._state)
        Path(place.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        dataset = read_dataset(dataset_directory(self._state))
        data = training_data(dataset, settings)
        with tempfile.TemporaryDirectory() as directory:
            write_training(train(data, settings), data, Path(directory))
            registration = register(Path(directory), place, settings)
        forgiven = {"regime_seconds": _BUSY_SECONDS, "bounds_seconds": _BUSY_SECONDS}
        decision = promote(
            registration,
            dataset=dataset,
            state=self._state,
            place=place,
            settings=settings,
            limits=usual_limits(settings).model_copy(update=forgiven),
        )
        return decision.promoted

    def find(self, run: str, before: tuple[str, ...]) -> str | None:
        """See ``Trainer``."""
        return run if run in self.known() and run not in before else None

    def status(self, handle: str) -> RunStatus:
        """See ``Trainer``."""
        ended = Ended.from_json((self._state / RUNS / handle / "ended.json").read_bytes())
        if ended.failure:
            return RunStatus(state=RunState.FAILED, said=ended.failure)
        return RunStatus(state=RunState.ENDED)

    def end(self, handle: str) -> None:
        """See ``Trainer``: it has ended before anybody could ask."""
