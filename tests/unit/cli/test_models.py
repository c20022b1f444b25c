"""``leeward models serve``: what it is told, and how it complains. What it serves is in the server's own tests."""

import socket
import subprocess
import sys
from pathlib import Path

import typer
from typer.testing import CliRunner

from cli.main import app

LEEWARD = str(Path(sys.executable).with_name("leeward"))


def test_a_state_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, ["models", "serve", "--state", str(tmp_path / "file" / "below")])
    assert done.exit_code == 1
    assert done.stderr.startswith("leeward: ")
    assert "can't be used as state: Not a directory; name a writable directory" in done.stderr


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [LEEWARD, "models", "serve", "--host", "127.0.0.1", "--port", port, "--state", str(tmp_path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (complaint,) = done.stderr.splitlines()
    assert complaint.startswith(f"leeward: can't listen on 127.0.0.1 port {port}: Address already in use")
    assert complaint.endswith("; name another --host or --port")


def test_unless_told_otherwise_it_listens_where_a_service_leads() -> None:
    command = typer.main.get_command(app)
    defaults = command.commands["models"].commands["serve"].params  # type: ignore[attr-defined]
    assert {option.name: option.default for option in defaults if option.name in {"host", "port"}} == {
        "host": "0.0.0.0",
        "port": 8080,
    }
