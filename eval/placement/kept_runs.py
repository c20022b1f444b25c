"""What was played already, a file a run and policy, so that a comparison that was killed goes on when run again."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from eval.placement.policies import PolicyName
from eval.placement.report import PolicyRun
from eval.placement.settings import PlacementSettings
from eval.reports import report_path
from pipelines.settings import TrainingSettings
from serving.replacement import replace_file

KEPT = "placement"
"""Directory below ``<state>/reports``."""

_OF_NO_RUN = ("workers", "runs", "repetitions", "policies", "confidence")
"""Settings that change nothing of what one run is under one policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRuns:
    """Outcomes in one directory.

    Attributes:
        directory: need not exist yet.
    """

    directory: Path

    def find(self, number: int, policy: PolicyName) -> PolicyRun | None:
        """What came of a run; ``None`` where it was not played.

        Raises:
            ContractError: the file says something else.
        """
        path = self._path(number, policy)
        return PolicyRun.from_json(path.read_bytes()) if path.exists() else None

    def keep(self, number: int, found: PolicyRun) -> None:
        """Write it down; a reader sees all of it or nothing."""
        self.directory.mkdir(parents=True, exist_ok=True)
        replace_file(self._path(number, found.policy), found.to_json(indent=2) + b"\n")

    def _path(self, number: int, policy: PolicyName) -> Path:
        return self.directory / f"run-{number:03d}-{policy}.json"


def kept_runs(state: Path, settings: PlacementSettings, *, training: TrainingSettings, training_data: str) -> KeptRuns:
    """Those of the same settings, traces and training; others lie in a directory of their own."""
    told = {name: value for name, value in asdict(settings).items() if name not in _OF_NO_RUN}
    told["leeward_policy"] = settings.leeward_policy.model_dump(mode="json")
    key = sha256(json.dumps([told, training.model_dump(mode="json"), training_data], sort_keys=True).encode())
    return KeptRuns(directory=report_path(state, KEPT) / f"{settings.mix}-{key.hexdigest()[:12]}")
