"""Real ONNX bundles, trained once a session, and extenders on a state directory of their own."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from scheduler_extender.main import build_extender
from scheduler_extender.service import Extender
from scheduler_extender.settings import ExtenderSettings
from serving.champion import install_champion
from tests.unit.scheduler_extender import small_cluster, xgboost_bundle
from tests.unit.scheduler_extender.small_cluster import MEDIUM, PRESSED, QUIET, node_state, publish

UNHURRIED = ExtenderSettings(budget_seconds=60.0)
"""Other tests share the machine: nothing is left out for want of time."""

Build = Callable[..., Extender]
Promote = Callable[[str], str]


@pytest.fixture(scope="session")
def graphs() -> dict[str, bytes]:
    return xgboost_bundle.graph_files(seed=1)


@pytest.fixture
def promote(tmp_path: Path, state: Path, graphs: dict[str, bytes]) -> Promote:
    """Make a bundle the champion, by version; each version has a margin, and so a digest, of its own."""

    def promoted(version: str) -> str:
        made = tmp_path / f"made-{version}"
        digest = xgboost_bundle.write(made, graphs, version=version, log_margin=0.1 * int(version))
        install_champion(state, made, model="leeward", version=version, digest=digest)
        return digest

    return promoted


@pytest.fixture
def state(tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir()
    return directory


class StoppedClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = small_cluster.NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def build(state: Path, clock: StoppedClock) -> Build:
    def built(settings: ExtenderSettings = UNHURRIED) -> Extender:
        return build_extender(state, settings, clock=clock)

    return built


@pytest.fixture
def three_nodes(state: Path, promote: Promote) -> Path:
    """One quiet, one in between, one pressed; all empty."""
    promote("1")
    publish(state, node_state("spr-0001", PRESSED), node_state("spr-0002", MEDIUM), node_state("spr-0003", QUIET))
    return state
