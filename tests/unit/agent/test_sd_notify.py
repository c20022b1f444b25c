import os
import resource
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.sd_notify import Supervisor


@pytest.fixture(params=["path", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """An address as systemd says it, and the socket behind it."""
    name = f"leeward-{secrets.token_hex(8)}"
    address = f"@{name}" if request.param == "abstract" else str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address.replace("@", "\0"))
        channel.settimeout(10.0)
        yield address, channel


def test_the_start_and_the_end_are_told(listening: tuple[str, socket.socket]) -> None:
    address, channel = listening
    supervisor = Supervisor.of({"NOTIFY_SOCKET": address})
    supervisor.ready("72 of 75 events")
    supervisor.stopping()
    assert channel.recv(4096) == b"READY=1\nSTATUS=72 of 75 events"
    assert channel.recv(4096) == b"STOPPING=1"


def test_a_sign_of_life_is_given_twice_within_the_watchdogs_time(listening: tuple[str, socket.socket]) -> None:
    address, channel = listening
    now = 0.0
    supervisor = Supervisor(address, watchdog_seconds=10.0, monotonic=lambda: now)
    given = []
    for second in range(21):
        now = float(second)
        supervisor.alive()
        channel.setblocking(False)
        try:
            given.append((second, channel.recv(4096)))
        except BlockingIOError:
            continue
    assert given == [(second, b"WATCHDOG=1") for second in (0, 5, 10, 15, 20)]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
    ids=str,
)
def test_nobody_asked_for_signs_of_life(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "n"))
        supervisor = Supervisor.of({"NOTIFY_SOCKET": str(tmp_path / "n"), **environment}, pid=77)
        supervisor.alive()
        supervisor.stopping()
        assert channel.recv(4096) == b"STOPPING=1"


def test_the_watchdog_means_the_process_that_it_names(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "n"))
        environment = {
            "NOTIFY_SOCKET": str(tmp_path / "n"),
            "WATCHDOG_USEC": "5000000",
            "WATCHDOG_PID": str(os.getpid()),
        }
        Supervisor.of(environment).alive()
        assert channel.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here", "vsock:2:1", "/" + "x" * 200])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    supervisor = Supervisor.of({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    supervisor.ready("up")
    supervisor.alive()
    supervisor.stopping()


def test_a_supervisor_that_does_not_listen_delays_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "n"))
        supervisor = Supervisor.of({"NOTIFY_SOCKET": str(tmp_path / "n")})
        for _ in range(2000):
            supervisor.ready("and again" * 100)
        assert channel.recv(4096).startswith(b"READY=1\nSTATUS=and again")


def test_where_no_descriptor_is_left_nothing_happens(listening: tuple[str, socket.socket]) -> None:
    address, _ = listening
    supervisor = Supervisor.of({"NOTIFY_SOCKET": address})
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, usual[1]))
    try:
        supervisor.ready("up")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_a_process_is_heard_under_its_own_id(tmp_path: Path) -> None:
    """The kernel tells systemd who sent a datagram; no other process speaks for the agent."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        channel.bind(str(tmp_path / "n"))
        script = "from agent.sd_notify import Supervisor; Supervisor.of().ready('up')"
        child = subprocess.Popen(
            [sys.executable, "-c", script], env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "n")}
        )
        assert child.wait(timeout=60) == 0
        message, [(_, _, credentials)], _, _ = channel.recvmsg(4096, socket.CMSG_SPACE(12))
        assert message == b"READY=1\nSTATUS=up"
        assert int.from_bytes(credentials[:4], sys.byteorder) == child.pid
