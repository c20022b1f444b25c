"""``leeward ingest``: what it is told, and how it complains. What it serves is in the endpoint's own tests."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cli.ingest import StoreProfile
from cli.main import app
from feature_repo.ingest import Ingest
from feature_repo.settings import Profile
from feature_repo.store import open_store
from tests.unit.feature_repo.vectors import vector

LEEWARD = str(Path(sys.executable).with_name("leeward"))


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [LEEWARD, "ingest", "serve", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_a_state_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = serve("--state", str(tmp_path / "file" / "below"))
    assert done.returncode == 1
    (complaint,) = done.stderr.splitlines()
    assert complaint.startswith("leeward: ")
    assert "can't be used as state: Not a directory; name a writable directory" in complaint


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    """Slow for Feast, which starts before."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve("--port", port, "--state", str(tmp_path))
    assert done.returncode == 1
    (complaint,) = done.stderr.splitlines()
    assert complaint.startswith(f"leeward: can't listen on 127.0.0.1 port {port}: Address already in use")
    assert complaint.endswith("; name another host or port")


def test_unless_told_otherwise_nobody_else_may_write() -> None:
    command = typer.main.get_command(app)
    options = command.commands["ingest"].commands["serve"].params  # type: ignore[attr-defined]
    (host,) = [option.default for option in options if option.name == "host"]
    assert host == "127.0.0.1"


def test_history_is_kept_unless_told_otherwise() -> None:
    command = typer.main.get_command(app)
    for name in ("serve", "compact"):
        options = command.commands["ingest"].commands[name].params  # type: ignore[attr-defined]
        (keep_days,) = [option.default for option in options if option.name == "keep_days"]
        assert keep_days is None


def test_profiles_are_those_of_the_store_and_a_store_keeps_its_own_unless_told_otherwise() -> None:
    assert [profile.value for profile in StoreProfile] == [profile.value for profile in Profile]
    command = typer.main.get_command(app)
    for name in ("serve", "compact"):
        options = command.commands["ingest"].commands[name].params  # type: ignore[attr-defined]
        (profile,) = [option.default for option in options if option.name == "profile"]
        assert profile is None


@pytest.mark.slow
def test_files_are_merged_and_old_days_deleted_by_command(tmp_path: Path) -> None:
    """Slow for Feast, which starts before."""
    store = open_store(tmp_path)
    for start in (0, 10, 20):
        Ingest(store).accept([vector(start)])
    done = [
        subprocess.run(
            [LEEWARD, "ingest", "compact", "--state", str(tmp_path), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        for arguments in ((), ("--keep-days", "1"))
    ]
    assert [each.returncode for each in done] == [0, 0]
    assert done[0].stdout == "3 files merged into 1, 0 damaged set aside, 0 days deleted\n"
    assert done[1].stdout == "0 files merged into 0, 0 damaged set aside, 1 days deleted\n"
    assert not list(store.history.glob("date=*"))
