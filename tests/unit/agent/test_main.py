"""The whole program on whatever machine this is."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from agent.errors import AgentError
from agent.main import run
from agent.settings import AgentSettings
from contracts.nodestate import NodeState

LIMIT_SECONDS = 60.0
"""For what takes a second or two, on a machine that has much else to do."""


class Program:
    """``leeward agent run`` with short windows, in a process of its own."""

    def __init__(self, state: Path, environment: Mapping[str, str]) -> None:
        self.state = state
        own = {name: value for name, value in os.environ.items() if not name.startswith(("KUBERNETES_", "LEEWARD_"))}
        short = {"LEEWARD_AGENT_SAMPLING_PERIOD_SECONDS": "0.05", "LEEWARD_AGENT_WINDOW_SECONDS": "0.1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "agent", "run", "--node", "here", "--state", str(state)],
            stderr=subprocess.PIPE,
            text=True,
            env={**own, **short, **environment},
        )
        self.events: list[dict[str, object]] = []

    def wait_for(self, name: str) -> dict[str, object]:
        """The next event of that name."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == name:
                return self.events[-1]
        raise AssertionError(f"ended without {name}: {self.events}")

    def wait_for_all(self, *names: str) -> None:
        """Go on until each has come, in whichever order."""
        left = set(names)
        while left:
            assert self.process.stderr is not None
            line = self.process.stderr.readline()
            assert line, f"ended without {left}: {self.events}"
            self.events.append(json.loads(line))
            left.discard(str(self.events[-1]["event"]))

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal; how many seconds the end took."""
        asked = time.monotonic()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=LIMIT_SECONDS)
        self.events.extend(json.loads(line) for line in errors.splitlines())
        return time.monotonic() - asked


@contextmanager
def program(state: Path, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    running = Program(state, environment or {})
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with program(tmp_path / "state") as running:
        running.wait_for("published")
        assert running.end(number) < 2.0 + LIMIT_SECONDS / 20
    assert running.process.returncode == 0
    assert [event["event"] for event in running.events[:2]] == ["publishing-to-directory", "counting"]
    assert running.events[-1]["event"] == "stopped"
    assert NodeState.from_json((tmp_path / "state/nodestates/here.json").read_bytes()).metadata.name == "here"
    assert (tmp_path / "state/alive").is_file()


def test_it_leaves_within_two_seconds_though_every_server_hangs(tmp_path: Path) -> None:
    """Each server takes connections and never says a word; the machine's own slowness comes on top."""
    with silent_server() as port, program(tmp_path / "state", servers(port, tmp_path)) as running:
        running.wait_for("counting")
        time.sleep(1.0)
        assert running.end() < 2.0 + LIMIT_SECONDS / 20
    assert running.process.returncode == 0
    assert running.events[-1]["event"] == "stopped"


def test_health_and_metrics_are_served(tmp_path: Path) -> None:
    with program(tmp_path / "state", {"LEEWARD_AGENT_LISTEN": "127.0.0.1:0"}) as running:
        port = running.wait_for("listening")["port"]
        running.wait_for("published")
        base = f"http://127.0.0.1:{port}"
        for path in ("/livez", "/readyz"):
            with urllib.request.urlopen(base + path, timeout=LIMIT_SECONDS) as answer:
                assert answer.status == 200
        with urllib.request.urlopen(base + "/metrics", timeout=LIMIT_SECONDS) as answer:
            text = answer.read().decode()
        running.end()
    assert re.search(r'^leeward_agent_publishes_total\{reason="first"\} 1', text, flags=re.MULTILINE)
    assert re.search(r"^leeward_agent_windows_total \d", text, flags=re.MULTILINE)
    assert 'leeward_agent_source_reads_total{source="perf"}' in text


def test_systemd_hears_of_readiness_life_and_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(LIMIT_SECONDS)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with program(tmp_path / "state", environment) as running:
            heard: list[str] = []
            while "WATCHDOG=1" not in heard or "READY=1" not in heard:
                heard.extend(listener.recv(4096).decode().splitlines())
            running.end()
            while "STOPPING=1" not in heard:
                heard.extend(listener.recv(4096).decode().splitlines())
    assert any(line.startswith("STATUS=measuring here") for line in heard)


def test_a_state_directory_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(AgentError, match=r"state directory .*/state can't be made: File exists; name a writable one"):
        run(AgentSettings(node="n1", state_directory=tmp_path / "state"), stop=Event(), environment={})


def test_settings_that_cannot_be_followed_are_told_on_the_command_line(tmp_path: Path) -> None:
    with program(tmp_path / "state", {"LEEWARD_AGENT_WINDOW_SECONDS": "soon"}) as running:
        _, errors = running.process.communicate(timeout=LIMIT_SECONDS)
    assert running.process.returncode == 1
    assert "LEEWARD_AGENT_WINDOW_SECONDS" in errors
    assert "Traceback" not in errors


def servers(port: int, directory: Path) -> dict[str, str]:
    return {
        "LEEWARD_AGENT_INGEST_URL": f"http://127.0.0.1:{port}",
        "LEEWARD_AGENT_MODEL_URL": f"http://127.0.0.1:{port}",
        "LEEWARD_AGENT_LISTEN": "127.0.0.1:0",
    }


@contextmanager
def silent_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        yield listener.getsockname()[1]
