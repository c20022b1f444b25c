"""One control plane, fifty agents and one extender for all tests here; each test finds all of them well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.extender_process import ExtenderProcess, promote_bound_by_memory
from tests.controlplane.fleet import Fleet
from tests.controlplane.rig import ControlPlane, control_plane
from tests.unit.scheduler_extender.small_cluster import PRESSED, QUIET

NODES = tuple(f"worker-{number:02}" for number in range(50))
QUIET_NODE = "worker-17"
"""The only one whose memory is not pressed."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("controlplane")


@pytest.fixture(scope="session")
def plane(folder: Path) -> Iterator[ControlPlane]:
    with control_plane(folder) as running:
        yield running


@pytest.fixture(scope="session")
def state(folder: Path) -> Path:
    """The extender's state directory, with a champion."""
    made = folder / "state"
    made.mkdir()
    promote_bound_by_memory(made)
    return made


@pytest.fixture(scope="session")
def fleet(plane: ControlPlane) -> Iterator[Fleet]:
    domains = {node: QUIET if node == QUIET_NODE else PRESSED for node in NODES}
    with Fleet(plane, domains=domains) as publishing:
        yield publishing


@pytest.fixture(scope="session")
def only_extender(plane: ControlPlane, state: Path) -> Iterator[ExtenderProcess]:
    process = ExtenderProcess(plane, state=state)
    yield process
    process.program.kill()


@pytest.fixture
def extender(only_extender: ExtenderProcess, fleet: Fleet) -> Iterator[ExtenderProcess]:
    """It runs and scores all nodes; whatever the test did to it is undone by the next."""
    only_extender.start(nodes=len(fleet.nodes))
    yield only_extender
    if only_extender.program.is_running:
        only_extender.program.thaw()
