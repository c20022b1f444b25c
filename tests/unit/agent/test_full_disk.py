"""The whole program whose state directory lies on a disk that fills up, and is made room on again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.spool import Spool
from agent.troubles import Troubles
from contracts.nodestate import NodeState
from tests.unit.agent.ingest_server import Reply, ingest_server
from tests.unit.agent.test_main import program

ENVIRONMENT = {"LEEWARD_AGENT_HEARTBEAT_SECONDS": "0.2"}


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can't be mounted here: needs root with CAP_SYS_ADMIN")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    continue
            except OSError:
                continue


@pytest.mark.slow
def test_a_full_disk_is_told_ends_nothing_and_is_recovered_from(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, ingest_server() as ingest:
        ingest.reply = lambda _: Reply(status=503)
        state = disk / "state"
        with program(state, ENVIRONMENT | {"LEEWARD_AGENT_INGEST_URL": ingest.url}) as running:
            running.wait_for("published")
            fill(disk / "filler")
            running.wait_for_all("spool-unwritable", "publish-failed")
            assert running.process.poll() is None
            (disk / "filler").unlink()
            running.wait_for_all("spool-unwritable-passed", "publish-failed-passed")
            running.end()
        assert running.process.returncode == 0
        assert NodeState.from_json((state / "nodestates/here.json").read_bytes()).metadata.name == "here"
        assert {path.name for path in state.iterdir()} == {".leeward-state", "alive", "nodestates", "spool"}
        assert [path.name for path in (state / "nodestates").iterdir()] == ["here.json"]
        spool = Spool(state / "spool", troubles=Troubles())
        assert spool.figures().waiting > 0
        assert (spool.figures().damaged, spool.figures().dropped) == (0, 0)
        spool.close()
