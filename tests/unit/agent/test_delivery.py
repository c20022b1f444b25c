"""Delivery over HTTP to a server on loopback that misbehaves as told."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.backoff import Backoff
from agent.delivery import BATCH_VECTORS, CONTENT_TYPE, PATH, Delivery, moment_of, usual_paces
from agent.http_client import Answer, HttpClient, Server
from agent.ingest_answer import Pace
from agent.run import VectorSink
from agent.spool import Spool, SpoolFigures
from agent.troubles import Troubles
from contracts.vector import to_json
from tests.unit.agent.ingest_server import IngestServer, Reply, ingest_server
from tests.unit.agent.logged import logged_events
from tests.unit.agent.spool_writer import vector
from tests.unit.live_server import eventually
from tests.unit.serving.small_files import files_limited_to


@dataclass
class Agent:
    """A delivery to be driven."""

    directory: Path
    url: str
    troubles: Troubles = field(default_factory=Troubles)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.delivery = Delivery(
            Spool(self.directory, troubles=self.troubles),
            client=HttpClient(Server(url=self.url)),
            troubles=self.troubles,
            node="node-a",
            interval_seconds=0.01,
            paces={pace: _Noted(self.pauses) for pace in Pace},
        )

    def accept(self, first: int, count: int = 1) -> None:
        self.delivery.accept([vector(number) for number in range(first, first + count)])

    @property
    def told(self) -> list[str]:
        return [trouble.name for trouble in self.troubles.present]


class _Noted(Backoff):
    """Notes what was asked for, and pauses for as good as nothing."""

    def __init__(self, asked: list[float]) -> None:
        super().__init__(first_seconds=0.02, longest_seconds=0.02)
        self._asked = asked

    def failed(self, *, asked_seconds: float | None = None) -> float:
        self._asked.append(asked_seconds or 0.0)
        return super().failed()


@pytest.fixture
def ingest() -> Iterator[IngestServer]:
    with ingest_server() as server:
        yield server


@pytest.fixture
def agent(ingest: IngestServer, tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(directory=tmp_path / "spool", url=ingest.url)
    yield agent
    agent.delivery.close()


def lines(first: int, count: int) -> list[bytes]:
    return [to_json(vector(number)) for number in range(first, first + count)]


def replying(*statuses: int) -> Callable[[list[bytes]], Reply]:
    """These statuses one after the other, and 200 from then on."""
    left = list(statuses)
    return lambda _: Reply(status=left.pop(0) if left else 200, headers={"Retry-After": "7"})


def test_windows_arrive_in_order_and_in_batches(agent: Agent, ingest: IngestServer) -> None:
    sink: VectorSink = agent.delivery
    sink.accept([vector(0), vector(1)])
    agent.accept(2, 3)
    agent.delivery.start()
    eventually(lambda: len(ingest.taken) == 5)
    agent.accept(5)
    eventually(lambda: agent.delivery.figures().delivered == 6)
    assert ingest.taken == lines(0, 6)
    assert [len(batch.lines) for batch in ingest.batches] == [5, 1]
    assert {batch.path for batch in ingest.batches} == {PATH}
    assert {batch.headers["Content-Type"] for batch in ingest.batches} == {CONTENT_TYPE}
    assert len({batch.client_port for batch in ingest.batches}) == 1
    figures = agent.delivery.figures()
    assert (figures.batches, figures.failures, figures.refused) == (2, 0, 0)
    assert figures.last_success_seconds == pytest.approx(time.time(), abs=60.0)
    eventually(lambda: agent.delivery.figures().spool == SpoolFigures())
    assert agent.told == []


def test_a_backlog_goes_out_in_batches_of_a_bounded_size(agent: Agent, ingest: IngestServer) -> None:
    agent.accept(0, 2 * BATCH_VECTORS + 1)
    agent.delivery.start()
    eventually(lambda: len(ingest.taken) == 2 * BATCH_VECTORS + 1)
    assert [len(batch.lines) for batch in ingest.batches] == [BATCH_VECTORS, BATCH_VECTORS, 1]


@pytest.mark.parametrize("status", [409, 410, 429, 500, 503, 404, 302])
def test_a_batch_that_was_not_taken_is_sent_again_when_the_server_said_so(
    agent: Agent, ingest: IngestServer, status: int
) -> None:
    ingest.reply = replying(status, status)
    agent.accept(0, 3)
    with logged_events() as events:
        agent.delivery.start()
        eventually(lambda: agent.delivery.figures().delivered == 3)
        eventually(lambda: agent.told == [])
    assert [batch.lines for batch in ingest.batches] == [lines(0, 3)] * 3
    assert agent.delivery.figures().failures == 2
    assert agent.pauses == [0.0 if status in {302, 404} else 7.0] * 2
    name = events[0].name
    assert [event.name for event in events] == [name, f"{name}-passed"]
    assert agent.troubles.counts == {name: 2}


def test_one_trouble_takes_the_place_of_another(agent: Agent, ingest: IngestServer) -> None:
    ingest.reply = lambda _: Reply(status=503)
    agent.accept(0)
    agent.delivery.start()
    eventually(lambda: agent.told == ["ingest-busy"])
    ingest.reply = lambda _: Reply(status=403)
    eventually(lambda: agent.told == ["ingest-denied"])


def test_while_ingest_is_away_vectors_wait_and_arrive_in_order_afterwards(tmp_path: Path) -> None:
    with ingest_server() as ingest:
        port = int(ingest.url.rpartition(":")[2])
    agent = Agent(directory=tmp_path / "spool", url=ingest.url)
    agent.delivery.start()
    for number in range(10):
        agent.accept(number)
    eventually(lambda: agent.told == ["ingest-unreachable"])
    assert agent.delivery.figures().spool.waiting == 10
    with ingest_server(port) as ingest:
        eventually(lambda: agent.delivery.figures().delivered == 10)
        agent.delivery.close()
    assert ingest.taken == lines(0, 10)
    assert agent.told == []


def test_refused_vectors_are_final_and_hold_up_nobody(agent: Agent, ingest: IngestServer) -> None:
    ingest.reply = lambda batch: Reply(refused={1: "its window ends 3600 s ahead"} if len(batch) > 1 else {})
    agent.accept(0, 4)
    agent.delivery.start()
    eventually(lambda: agent.told == ["vectors-refused"])
    assert agent.troubles.present[0].sentence == (
        "ingest refused 1 vectors for good, lastly since: its window ends 3600 s ahead"
    )
    figures = agent.delivery.figures()
    assert (figures.delivered, figures.refused) == (3, 1)
    agent.accept(4)
    eventually(lambda: agent.delivery.figures().delivered == 4)
    eventually(lambda: agent.told == [])
    assert [len(batch.lines) for batch in ingest.batches] == [4, 1]


@pytest.mark.parametrize("status", [400, 413])
def test_one_vector_that_ingest_does_not_stomach_is_given_up_and_the_others_arrive(
    agent: Agent, ingest: IngestServer, status: int
) -> None:
    bad = to_json(vector(5))
    ingest.reply = lambda batch: Reply(status=status if bad in batch else 200)
    agent.accept(0, 11)
    agent.delivery.start()
    eventually(lambda: agent.delivery.figures().spool.waiting == 0)
    assert ingest.taken == [line for line in lines(0, 11) if line != bad]
    figures = agent.delivery.figures()
    assert (figures.delivered, figures.refused, figures.failures) == (10, 1, 0)


def test_batches_stay_small_while_a_backlog_lasts_where_large_ones_are_refused(
    agent: Agent, ingest: IngestServer
) -> None:
    ingest.reply = lambda batch: Reply(status=413 if len(batch) > 200 else 200, body=None)
    agent.accept(0, 1000)
    agent.delivery.start()
    eventually(lambda: len(ingest.taken) == 1000)
    assert ingest.taken == lines(0, 1000)
    assert [len(batch.lines) for batch in ingest.batches] == [512, 256, 128, 128, 256, 128, 128, 128, 128, 128, 104]


def test_what_is_no_ingest_costs_no_vector(agent: Agent, ingest: IngestServer) -> None:
    left = [200, 400, 413] * 3
    ingest.reply = lambda _: Reply(status=left.pop() if left else 404, body=b"<html>Welcome</html>")
    agent.accept(0, 2)
    agent.delivery.start()
    eventually(lambda: not left and agent.told == ["ingest-strange"])
    ingest.reply = lambda _: Reply()
    eventually(lambda: agent.delivery.figures().delivered == 2)
    assert agent.delivery.figures().refused == 0


def test_vectors_that_can_not_be_written_are_delivered_all_the_same(agent: Agent, ingest: IngestServer) -> None:
    with files_limited_to(0):
        agent.accept(0, 3)
        agent.delivery.start()
        eventually(lambda: agent.delivery.figures().delivered == 3)
        assert agent.told == ["spool-unwritable"]
    agent.accept(3)
    eventually(lambda: len(ingest.taken) == 4)
    assert ingest.taken == lines(0, 4)
    assert agent.told == []


def test_a_clock_that_steps_changes_neither_order_nor_delivery(agent: Agent, ingest: IngestServer) -> None:
    hour_ns = 3600 * 10**9
    starts = [2 * hour_ns, 3 * hour_ns, 1 * hour_ns, 2 * hour_ns + 1]
    for start in starts:
        agent.accept(start)
    agent.delivery.start()
    eventually(lambda: len(ingest.taken) == len(starts))
    assert ingest.taken == [to_json(vector(start)) for start in starts]


def test_closing_waits_for_no_request_that_hangs(tmp_path: Path) -> None:
    troubles = Troubles()
    with socket.create_server(("127.0.0.1", 0)) as deaf, ingest_server() as ingest:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        delivery = Delivery(
            Spool(tmp_path / "spool", troubles=troubles),
            client=HttpClient(Server(url=url), timeout_seconds=300.0),
            troubles=troubles,
            node="node-a",
            interval_seconds=0.01,
        )
        delivery.accept([vector(0), vector(1)])
        delivery.start()
        connection, _ = deaf.accept()
        with connection:
            closing = threading.Thread(target=delivery.close, daemon=True)
            closing.start()
            closing.join(timeout=60.0)
            assert not closing.is_alive(), "it waited for the request"
            again = Agent(directory=tmp_path / "spool", url=ingest.url)
            again.delivery.start()
            eventually(lambda: ingest.taken == lines(0, 2))
            again.delivery.close()
        delivery._thread.join()
    assert troubles.present == ()


def test_closing_ends_a_pause_and_twice_is_once(agent: Agent, ingest: IngestServer) -> None:
    agent.delivery.close()
    agent.delivery.close()
    agent.accept(0)
    assert ingest.batches == []


def test_nodes_send_at_moments_of_their_own_spread_over_the_interval() -> None:
    moments = [moment_of(f"node-{number}") for number in range(5000)]
    assert 0.0 <= min(moments) <= max(moments) < 1.0
    tenths = Counter(int(10 * moment) for moment in moments)
    assert sorted(tenths) == list(range(10))
    assert max(tenths.values()) < 2 * min(tenths.values())


def test_pauses_grow_with_failures_and_a_server_that_is_gone_is_asked_seldom() -> None:
    paces = usual_paces()
    assert max(paces[Pace.SOON].failed() for _ in range(50)) <= 10.0
    assert paces[Pace.USUAL].failed() <= 2.0
    assert 30.0 < max(paces[Pace.LATE].failed() for _ in range(50)) <= 300.0


class _Broken(HttpClient):
    def exchange(self, *_: object, **__: object) -> Answer:
        raise AssertionError("a defect")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_of_a_defect_is_told(tmp_path: Path) -> None:
    troubles = Troubles()
    delivery = Delivery(
        Spool(tmp_path, troubles=troubles),
        client=_Broken(Server(url="http://127.0.0.1:1")),
        troubles=troubles,
        node="node-a",
        interval_seconds=0.01,
    )
    delivery.accept([vector(0)])
    delivery.start()
    eventually(lambda: "delivery-ended" in troubles.counts)
    delivery.close()
    assert [trouble.name for trouble in troubles.present] == ["delivery-ended"]
