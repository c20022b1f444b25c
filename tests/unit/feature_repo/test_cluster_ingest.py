"""``leeward ingest`` on the cluster profile: the commands that share servers, and go on while these crash."""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from contracts.vector import FeatureVector, to_json
from feature_repo.history import VectorKey, latest_vectors, vectors_as_of
from feature_repo.names import VIEW_NAME
from feature_repo.settings import REDIS, VARIABLES, Profile
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.forked_command import Command, Commands, forked_commands
from tests.unit.feature_repo.servers import Servers, breakable_servers, connected, free_port
from tests.unit.feature_repo.test_endpoint import ask, scrape
from tests.unit.feature_repo.test_ingest_kill import Sender
from tests.unit.feature_repo.vectors import vector
from tests.unit.live_server import eventually

LIVES = 6
LIFE_SECONDS = 0.2

pytestmark = pytest.mark.slow
"""The first one waits for Feast to be imported."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with breakable_servers() as servers, pytest.MonkeyPatch.context() as patch:
        for name, value in servers.environment.items():
            patch.setenv(name, value)
        yield servers


@pytest.fixture(scope="module")
def commands(servers: Servers) -> Iterator[Commands]:
    with forked_commands() as commands:
        yield commands


@pytest.fixture(scope="module")
def replicas(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, Command]]:
    """Two that start at the same time on servers which hold nothing, and end well."""
    one, other = (serving(commands, tmp_path_factory.mktemp("replica"), port=0) for _ in range(2))
    yield one, other
    for replica in (one, other):
        replica.send(SIGTERM)
        assert commands.exit_status(replica) == 0


@pytest.fixture(scope="module")
def store(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("state"), profile=Profile.CLUSTER)


def serving(commands: Commands, state: Path, *, port: int) -> Command:
    told = ("ingest", "serve", "--profile", "cluster", "--port", str(port), "--state", str(state))
    return commands.start(*told, output=state.with_name(f"{state.name}.log"))


def port_of(replica: Command) -> int:
    """Where it listens, as soon as it does."""
    ports: list[int] = []

    def listens() -> bool:
        ports.extend(event["port"] for event in replica.events if event["event"] == "listening")
        return bool(ports)

    eventually(listens, seconds=60.0)
    return ports[0]


def windows_of(servers: Servers, nodes: Sequence[str]) -> Counter[tuple[object, ...]]:
    """Node, domain and window start of all rows of these nodes."""
    with connected(servers.environment) as connection:
        asked = f"SELECT node, domain, window_start_ns FROM {VIEW_NAME} WHERE node = ANY(%s)"
        return Counter(connection.execute(asked.encode(), (list(nodes),)))


def keys(vectors: Sequence[FeatureVector]) -> Counter[tuple[object, ...]]:
    return Counter((one.node, one.domain, one.window_start_ns) for one in vectors)


@contextmanager
def sending(nodes: Sequence[str], ports: Sequence[int]) -> Iterator[Sequence[Sender]]:
    """Senders at work; at the end each has had its last batch acknowledged."""
    over = threading.Event()
    senders = [Sender(node, ports, over) for node in nodes]
    for sender in senders:
        sender.start()
    try:
        yield senders
        assert all(sender.is_alive() for sender in senders)
    finally:
        over.set()
        for sender in senders:
            sender.join()


def go_on(senders: Sequence[Sender], count: Callable[[Sender], int], *, by: int = 6) -> None:
    """Wait until each has so many more of it."""
    before = [count(sender) for sender in senders]
    eventually(
        lambda: all(count(sender) >= had + by for sender, had in zip(senders, before, strict=True)), seconds=60.0
    )


def is_all_there(senders: Sequence[Sender], *, servers: Servers, store: Store) -> None:
    """What was acknowledged is in history, each once, and the newest online and as of its end."""
    acknowledged = [one for sender in senders for one in sender.acknowledged]
    assert windows_of(servers, [sender.node for sender in senders]) == keys(acknowledged)
    newest = tuple(sender.acknowledged[-1] for sender in senders)
    assert latest_vectors(store, [(one.node, one.domain) for one in newest]) == newest
    assert vectors_as_of(store, [VectorKey(one.node, one.domain, one.window_end_ns) for one in newest]) == newest


def sent(batch: Sequence[FeatureVector], port: int) -> Mapping[str, int]:
    answered = ask(port, b"".join(to_json(one) + b"\n" for one in batch))
    assert answered.status == 200, answered.document
    document: Mapping[str, int] = answered.document
    return document


def test_what_both_take_at_once_is_stored_and_reported_once_and_the_newest_is_online(
    replicas: tuple[Command, Command], servers: Servers, store: Store
) -> None:
    ports = [port_of(replica) for replica in replicas]
    windows = [vector(start, node="both", domain=domain) for start in range(0, 300, 10) for domain in ("s0", "s1")]
    overlapping = [windows[first : first + 4] for first in range(0, len(windows) - 2, 2)]
    twice = [(batch, port) for batch in overlapping for port in ports]
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda each: sent(*each), twice))
    assert sum(report["written"] for report in reports) == len(windows)
    assert {report["written"] + report["repeated"] for report in reports} == {4}
    assert windows_of(servers, ["both"]) == keys(windows)
    assert latest_vectors(store, [("both", "s0"), ("both", "s1")]) == tuple(windows[-2:])


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_while_a_server_is_away_nothing_is_acknowledged_and_nothing_that_was_is_lost(
    name: str, replicas: tuple[Command, Command], servers: Servers, store: Store
) -> None:
    """It crashes under load, twice; Redis comes back with nothing in it."""
    ports = [port_of(replica) for replica in replicas]
    with sending([f"{name}-{number}" for number in range(4)], ports) as senders:
        for _ in range(2):
            go_on(senders, lambda sender: len(sender.acknowledged))
            with getattr(servers, name).away():
                go_on(senders, lambda sender: sender.turned_away)
        go_on(senders, lambda sender: len(sender.acknowledged))
    is_all_there(senders, servers=servers, store=store)
    for replica, port in zip(replicas, ports, strict=True):
        events = [event["event"] for event in replica.events]
        assert {"store-not-writable", "store-writable-again"} <= set(events)
        assert re.search(r'turned_away_total\{reason="store"\} [1-9]', scrape(port))


def test_kills_lose_nothing_that_was_acknowledged_and_double_nothing(
    commands: Commands, servers: Servers, store: Store, tmp_path: Path
) -> None:
    port, chance = free_port(), random.Random(1)
    with sending([f"killed-{number}" for number in range(4)], [port]) as senders:
        for life in range(LIVES):
            ingest = serving(commands, tmp_path / str(life), port=port)
            port_of(ingest)
            time.sleep(chance.uniform(0.0, 2.0) * LIFE_SECONDS)
            ingest.send(SIGKILL)
            assert commands.exit_status(ingest) == -SIGKILL
        last = serving(commands, tmp_path / "last", port=port)
        go_on(senders, lambda sender: len(sender.acknowledged))
    last.send(SIGTERM)
    assert commands.exit_status(last) == 0
    is_all_there(senders, servers=servers, store=store)
    assert sum(sender.attempts for sender in senders) > LIVES


def test_what_is_too_old_is_deleted_by_command_and_nothing_else_is_done(
    commands: Commands, servers: Servers, tmp_path: Path
) -> None:
    serve = serving(commands, tmp_path / "state", port=0)
    sent([vector(day * 86_400, node="old") for day in range(3)], port_of(serve))
    told = ("ingest", "compact", "--keep-days", "0", "--state", str(tmp_path / "state"))
    compact = commands.start(*told, output=tmp_path / "said")
    assert commands.exit_status(compact) == 0
    assert re.fullmatch(r"history lies in Postgres, which has no files to merge, \d+ days deleted\n", compact.said)
    assert not windows_of(servers, ["old"])
    serve.send(SIGTERM)
    assert commands.exit_status(serve) == 0


def test_what_can_not_be_had_is_one_sentence(commands: Commands, servers: Servers, tmp_path: Path) -> None:
    told = ("ingest", "serve", "--profile", "cluster", "--port", "0", "--state", str(tmp_path / "state"))
    lacking = commands.start(*told, output=tmp_path / "lacking", environment=dict.fromkeys([REDIS]))
    unreachable = commands.start(*told, output=tmp_path / "unreachable", environment={"LEEWARD_POSTGRES_PORT": "9"})
    assert [commands.exit_status(each) for each in (lacking, unreachable)] == [1, 1]
    assert lacking.said == f"leeward: the cluster's feature store lacks settings: set {REDIS} ({VARIABLES[REDIS]})\n"
    (complaint,) = unreachable.said.splitlines()
    assert complaint.startswith("leeward: Postgres at 127.0.0.1 port 9, database postgres, can't be used as feast: ")
