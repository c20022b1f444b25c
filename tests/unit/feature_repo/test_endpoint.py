"""The endpoint under uvicorn, with the real store behind it, and with agents in front."""

import http.client
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.delivery import Delivery
from agent.http_client import HttpClient, Server
from agent.spool import Spool
from agent.troubles import Troubles
from contracts.vector import to_json
from feature_repo.endpoint import (
    CONTENT_TYPE,
    MOST_VECTORS,
    PATH,
    RETRY_AFTER_SECONDS,
    bound,
    create_app,
    serve,
    server_of,
)
from feature_repo.errors import FeatureRepositoryError
from feature_repo.history import latest_vectors
from feature_repo.ingest import Ingest
from feature_repo.ingest_metrics import IngestMetrics
from feature_repo.report import IngestReport
from feature_repo.rows import from_rows
from feature_repo.store import Store, open_store
from feature_repo.waiting_room import WaitingRoom
from tests.unit.feature_repo.vectors import vector
from tests.unit.live_server import eventually, running
from tests.unit.serving.small_files import files_limited_to

TYPE = {"Content-Type": CONTENT_TYPE}


@dataclass(frozen=True, kw_only=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    document: Any


def ask(port: int, body: bytes = b"", *, method: str = "POST", path: str = PATH, **headers: str) -> Answered:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = TYPE | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=sent)
    response = connection.getresponse()
    answered = Answered(
        status=response.status, headers=dict(response.getheaders()), document=json.loads(response.read())
    )
    connection.close()
    return answered


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
    return text


class Held(Ingest):
    """An ingest whose batches wait to be let through."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.let_through = threading.Event()
        self.entered = threading.Semaphore(0)

    def accept_together(self, batches: Sequence[Sequence[bytes | str]]) -> tuple[IngestReport, ...]:
        self.entered.release()
        self.let_through.wait(timeout=60.0)
        return tuple(IngestReport(written=len(batch), repeated=0, refused=(), advanced=0) for batch in batches)


@pytest.fixture
def port(store: Store) -> Iterator[int]:
    with running(server_of(create_app(Ingest(store), longest_body_bytes=100_000))) as port:
        yield port


def test_a_batch_is_reported_vector_by_vector(port: int, store: Store) -> None:
    good = [vector(0), vector(10)]
    lines = [to_json(good[0]), b'{"torn', to_json(good[1]), to_json(good[0])]
    answered = ask(port, b"\n".join(lines) + b"\n")
    refused = answered.document.pop("refused")
    assert answered.document == {"written": 2, "repeated": 1, "advanced": 1}
    assert [refusal["place"] for refusal in refused] == [1]
    assert refused[0]["reason"].startswith("vector is torn or not JSON")
    assert latest_vectors(store, [("node-a", "socket0")]) == (good[1],)


def test_a_vector_of_another_schema_is_refused_with_the_reason(port: int) -> None:
    foreign = to_json(vector(0)).replace(b"sha256:3", b"sha256:4")
    answered = ask(port, foreign + b"\n", Content_Type=f"{CONTENT_TYPE}; charset=utf-8")
    assert answered.status == 200
    assert "upgrade the older of writer and reader" in answered.document["refused"][0]["reason"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"", {}, 400, "the body is torn"),
        (b"{}\n{", {}, 400, "ends with the last line's end"),
        (b"x" * 100_001, {}, 413, "100001 bytes, 100000 are taken; send smaller ones"),
        (b"\n" * (MOST_VECTORS + 1), {}, 413, "4097 vectors, 4096 are taken"),
        (
            b"{}\n",
            {"Content_Type": "application/json"},
            415,
            "the body is application/json, encoded identity: send app",
        ),
        (b"{}\n", {"Content_Encoding": "gzip"}, 415, "encoded gzip"),
    ],
    ids=["empty", "cut", "long", "many", "type", "encoding"],
)
def test_a_body_that_can_not_be_a_batch_is_refused(
    port: int, body: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answered = ask(port, body, **headers)
    assert answered.status == status
    assert error in answered.document["error"]


def test_a_body_that_does_not_announce_its_length_is_bounded_too(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", PATH, body=iter([b"x" * 60_000] * 2), headers=TYPE, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"] == "the batch is too large: more than 100000 bytes; send smaller ones"
    connection.close()


def test_other_paths_and_methods_are_told_in_the_same_form(port: int) -> None:
    assert ask(port, method="GET", path="/healthz").document == {"status": "ok"}
    assert (ask(port, method="GET").status, ask(port, path="/v2/vectors").status) == (405, 404)
    assert ask(port, path="/v2/vectors").document == {"error": "Not Found"}


def test_who_comes_while_all_places_are_taken_is_asked_to_come_again(store: Store) -> None:
    ingest, metrics, room = Held(store), IngestMetrics(), WaitingRoom(most_batches=2)
    with running(server_of(create_app(ingest, metrics=metrics, room=room))) as port:
        answers: list[Answered] = []
        senders = [threading.Thread(target=lambda: answers.append(ask(port, b"{}\n"))) for _ in range(2)]
        for sender in senders:
            sender.start()
        eventually(lambda: room.batches == 2)
        refused = ask(port, b"{}\n" * 1000)
        assert ask(port, method="GET", path="/healthz").status == 200
        ingest.let_through.set()
        for sender in senders:
            sender.join()
        assert (refused.status, refused.headers["retry-after"]) == (503, str(RETRY_AFTER_SECONDS))
        assert refused.document == {"error": "2 batches are being written already"}
        assert [answer.status for answer in answers] == [200, 200]
        assert ask(port, b"{}\n").status == 200
    assert b'turned_away_total{reason="full"} 1.0' in metrics.exposition()


def test_bodies_that_wait_are_bounded_in_their_sum(store: Store) -> None:
    ingest, room = Held(store), WaitingRoom(most_bytes=100)
    with running(server_of(create_app(ingest, room=room))) as port:
        answers: list[Answered] = []
        sender = threading.Thread(target=lambda: answers.append(ask(port, b"{}\n" * 30)))
        sender.start()
        eventually(lambda: room.size_bytes == 90)
        assert ask(port, b"{}\n" * 4).document == {"error": "100 bytes are being written already"}
        ingest.let_through.set()
        sender.join()
        assert [answer.status for answer in answers] == [200]
        assert ask(port, b"{}\n" * 4).status == 200
    assert (room.batches, room.size_bytes) == (0, 0)


def test_batches_that_come_while_one_is_written_are_written_together(store: Store) -> None:
    ingest, room = Held(store), WaitingRoom()
    with running(server_of(create_app(ingest, room=room, pause_seconds=0.0))) as port:
        answers: list[Answered] = []
        senders = [
            threading.Thread(target=lambda many=many: answers.append(ask(port, b"{}\n" * many))) for many in (1, 2, 3)
        ]
        senders[0].start()
        assert ingest.entered.acquire(timeout=30.0)
        for sender in senders[1:]:
            sender.start()
        eventually(lambda: room.batches == 3)
        ingest.let_through.set()
        for sender in senders:
            sender.join()
    assert sorted(answer.document["written"] for answer in answers) == [1, 2, 3]
    assert ingest.entered.acquire(timeout=0.0)
    assert not ingest.entered.acquire(timeout=0.0)


def test_metrics_tell_what_became_of_vectors(port: int) -> None:
    ask(port, to_json(vector(0)) + b"\n{}\n" + to_json(vector(0)) + b"\n")
    text = scrape(port)
    assert 'leeward_ingest_vectors_total{outcome="written"} 1.0' in text
    assert 'leeward_ingest_vectors_total{outcome="repeated"} 1.0' in text
    assert 'leeward_ingest_vectors_total{outcome="refused"} 1.0' in text
    assert "leeward_ingest_batches_total 1.0" in text
    assert "leeward_ingest_waiting_batches 0.0" in text
    families = list(text_string_to_metric_families(text))
    assert [family.name for family in families if not family.documentation] == []


def test_a_damaged_file_holds_up_no_sender(port: int, store: Store) -> None:
    ask(port, to_json(vector(0)) + b"\n")
    (file,) = store.history.glob("date=*/*/*.parquet")
    file.write_bytes(file.read_bytes()[:-100])
    again = ask(port, to_json(vector(0)) + b"\n")
    assert again.document == {"written": 1, "repeated": 0, "refused": [], "advanced": 0}
    assert from_rows(ds.dataset(store.history, format="parquet").to_table()) == (vector(0),)
    assert len(list((store.directory / "damaged").rglob(file.name))) == 1


def test_a_sender_that_stalls_or_hangs_up_keeps_no_place(store: Store) -> None:
    ingest = Held(store)
    ingest.let_through.set()
    with running(
        server_of(create_app(ingest, room=WaitingRoom(most_batches=1), body_seconds=0.1, pause_seconds=0.0))
    ) as port:
        for wait_for_answer in (True, False):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.putrequest("POST", PATH)
            connection.putheader("Content-Type", CONTENT_TYPE)
            connection.putheader("Content-Length", "100")
            connection.endheaders(b"{}\n")
            if wait_for_answer:
                response = connection.getresponse()
                assert response.status == 408
                assert json.loads(response.read()) == {"error": "the body did not arrive within 0.1 s"}
            connection.close()
            eventually(lambda: ask(port, b"{}\n").status == 200)


def test_a_store_that_can_not_be_written_acknowledges_nothing(
    port: int, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    body = to_json(vector(0)) + b"\n"
    with caplog.at_level(logging.INFO, logger="leeward.ingest"):
        with files_limited_to(0):
            for _ in range(3):
                answered = ask(port, body)
                assert (answered.status, answered.headers["retry-after"]) == (503, str(RETRY_AFTER_SECONDS))
                assert answered.document["error"].startswith("the store can't be written: ")
        assert ask(port, body).document["written"] == 1
    logged = [record.message for record in caplog.records if record.name == "leeward.ingest"]
    assert logged == ["store-not-writable", "store-writable-again"]
    assert latest_vectors(store, [("node-a", "socket0")]) == (vector(0),)


def test_an_address_that_is_taken_is_told() -> None:
    with (
        bound("127.0.0.1", 0) as listening,
        pytest.raises(FeatureRepositoryError, match=r"can't listen on 127\.0\.0\.1 port .*name another host or port"),
    ):
        bound("127.0.0.1", listening.getsockname()[1])


def test_a_state_directory_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FeatureRepositoryError, match="file can't be used as state: Not a directory; name a directory"):
        serve(state=tmp_path / "file", port=0)


_PROGRAM = """
import logging, sys
from pathlib import Path
from feature_repo.endpoint import serve

logging.getLogger("leeward.ingest").setLevel(logging.INFO)
logging.getLogger("leeward.ingest").addFilter(lambda record: print(record.fields["port"], flush=True) or False)
serve(state=Path(sys.argv[1]), port=0)
"""


@pytest.mark.slow
def test_the_server_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline())
        assert ask(port, to_json(vector(0)) + b"\n").document["written"] == 1
        program.terminate()
        assert program.wait(timeout=60.0) in {0, -signal.SIGTERM}
    assert latest_vectors(open_store(tmp_path), [("node-a", "socket0")]) == (vector(0),)


def test_vectors_get_from_the_agents_loop_into_feast(store: Store, tmp_path: Path) -> None:
    """Also those that waited while ingest was away, that were sent before, and beside one that is refused."""
    sent = [vector(start, domain=domain) for start in range(0, 300, 10) for domain in ("socket0", "socket1")]
    ahead = vector(time.time() * 2)
    Ingest(store).accept(sent[:4])
    with bound("127.0.0.1", 0) as listening:
        free_port = listening.getsockname()[1]
    troubles = Troubles()
    delivery = Delivery(
        Spool(tmp_path / "spool", troubles=troubles),
        client=HttpClient(Server(url=f"http://127.0.0.1:{free_port}"), timeout_seconds=60.0),
        troubles=troubles,
        node="node-a",
        interval_seconds=0.05,
    )
    delivery.start()
    for first in range(0, len(sent), 2):
        delivery.accept(sent[first : first + 2])
    delivery.accept([ahead])
    eventually(lambda: [trouble.name for trouble in troubles.present] == ["ingest-unreachable"])
    with bound("127.0.0.1", free_port) as listening:
        server = server_of(create_app(Ingest(store)))
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        eventually(lambda: delivery.figures().spool.waiting == 0, seconds=60.0)
        delivery.close()
        server.should_exit = True
        thread.join()
    figures = delivery.figures()
    assert (figures.delivered, figures.refused) == (len(sent), 1)
    assert [trouble.name for trouble in troubles.present] == ["vectors-refused"]
    assert "set the node's clock" in troubles.present[0].sentence
    rows = from_rows(ds.dataset(store.history, format="parquet").to_table())
    assert sorted(rows, key=lambda one: (one.window_start_ns, one.domain)) == sent
    assert latest_vectors(store, [("node-a", "socket0"), ("node-a", "socket1")]) == (sent[-2], sent[-1])
