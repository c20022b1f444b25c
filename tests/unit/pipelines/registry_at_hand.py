"""A gate to ask by registration alone, and what there is to see of a registry and of a state directory."""

from pathlib import Path

from mlflow import MlflowClient

from pipelines.dataset import TraceDataset
from pipelines.gate import GateDecision, GateLimits
from pipelines.promote import promote
from pipelines.registry import Registration, RegistryPlace
from pipelines.settings import TrainingSettings
from serving.champion import read_champion


class Gate:
    """Asked by registration alone."""

    def __init__(
        self,
        *,
        dataset: TraceDataset,
        state: Path,
        place: RegistryPlace,
        settings: TrainingSettings,
        limits: GateLimits,
    ) -> None:
        self._dataset, self._state, self.place, self._settings, self._limits = dataset, state, place, settings, limits

    def asked(
        self, registration: Registration, *, vouched_by: str = "", place: RegistryPlace | None = None
    ) -> GateDecision:
        return promote(
            registration,
            dataset=self._dataset,
            state=self._state,
            place=place or self.place,
            settings=self._settings,
            limits=self._limits,
            vouched_by=vouched_by,
        )


def files_of(state: Path) -> dict[str, bytes]:
    """What serves from a state directory."""
    return {
        path.relative_to(state).as_posix(): path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and "mlflow" not in path.parts
    }


def aliases(client: MlflowClient, model: str = "leeward") -> dict[str, str]:
    return {alias: str(number) for alias, number in client.get_registered_model(model).aliases.items()}


def serving_version(state: Path) -> str | None:
    champion = read_champion(state)
    return None if champion is None else champion.version
