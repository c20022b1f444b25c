"""Following an API server: what it tells is written once, small, and in an order that a replay can use."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eval.replay.placements import ALWAYS, survey
from eval.replay.reading import Event, Recording
from eval.replay.recorder import RESOURCES, Recorder, cluster_time
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from eval.replay.writing import recording_into
from scheduler_extender.errors import ApiError
from tests.unit.eval.replay.site import node_object
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.small_cluster import QUIET, node_state, pod_object

Stubs = dict[Kind, ApiStub]
FOREVER = 600.0


@pytest.fixture
def stubs() -> Iterator[Stubs]:
    with api_stubs(*(resource.path for resource in RESOURCES.values())) as found:
        by_kind = {kind: found[resource.path] for kind, resource in RESOURCES.items()}
        put(by_kind, Kind.NODE, "spr-1", node_object("spr-1"))
        yield by_kind


def put(stubs: Stubs, kind: Kind, name: str, document: dict[str, Any]) -> None:
    stubs[kind].put(name, **document)


@contextmanager
def recorder(directory: Path, stubs: Stubs, *, seconds: float = FOREVER) -> Iterator[Recorder]:
    """One that follows in a thread; stopped in the end, and all of it written."""
    server = stubs[Kind.NODE].server
    with recording_into(directory, session=datetime.now(UTC)) as writer:
        found = Recorder(server, writer, told=lambda _: None)
        thread = threading.Thread(
            target=lambda: found.follow(seconds=seconds, periodically=lambda: None, period_seconds=FOREVER)
        )
        thread.start()
        try:
            yield found
        finally:
            found.stop()
            thread.join()


def events(directory: Path) -> list[Event]:
    return list(Recording(directory).events(Counter()))


def written(found: Recorder, **counts: int) -> Callable[[], bool]:
    return lambda: all(found.written[Kind(kind)] == count for kind, count in counts.items())


def test_what_the_api_server_has_and_what_happens_to_it_is_written_down(tmp_path: Path, stubs: Stubs) -> None:
    put(stubs, Kind.POD, "old", pod_object("uid-of-old", node="spr-1"))
    with recorder(tmp_path, stubs) as found:
        eventually(written(found, node=1, pod=1))
        eventually(lambda: b'"kind":"whole"' in (tmp_path / "events-000001.jsonl").read_bytes())
        put(stubs, Kind.NODE_STATE, "spr-1", {"status": None, **states("spr-1")})
        eventually(written(found, nodeState=1))
        put(stubs, Kind.POD, "new", pod_object("uid-of-new"))
        eventually(written(found, pod=2))
        put(stubs, Kind.POD, "new", pod_object("uid-of-new", node="spr-1"))
        eventually(written(found, pod=3))
        stubs[Kind.POD].delete("new")
        eventually(written(found, pod=4))
    seen = [(event.kind, event.name) for event in events(tmp_path)]
    whole = seen.index((Kind.WHOLE, ""))
    assert set(seen[:whole]) == {(Kind.NODE, "spr-1"), (Kind.POD, "uid-of-old")}
    assert seen[whole + 1 :] == [(Kind.NODE_STATE, "spr-1"), *[(Kind.POD, "uid-of-new")] * 3]
    troubles: Counter[Trouble] = Counter()
    looked = survey(Recording(tmp_path), {}, period=ALWAYS, background=(), troubles=troubles)
    assert [(one.uid, one.node) for one in looked.placements] == [("uid-of-new", "spr-1")]
    assert looked.there_before == 1
    assert not +troubles


def states(name: str) -> dict[str, Any]:
    document: dict[str, Any] = node_state(name, QUIET).model_dump(mode="json", by_alias=True)
    document.pop("metadata")
    return document


def test_what_changes_in_nothing_that_is_kept_is_not_written_again(tmp_path: Path, stubs: Stubs) -> None:
    with recorder(tmp_path, stubs) as found:
        eventually(written(found, node=1))
        beat = node_object("spr-1")
        beat["status"]["conditions"] = [{"type": "Ready", "lastHeartbeatTime": "2026-11-24T04:00:00Z"}]
        put(stubs, Kind.NODE, "spr-1", beat)
        put(stubs, Kind.NODE, "spr-2", node_object("spr-2"))
        eventually(written(found, node=2))
        put(stubs, Kind.NODE, "spr-1", node_object("spr-1", unschedulable=True))
        eventually(written(found, node=3))
    assert [event.name for event in events(tmp_path) if event.kind is Kind.NODE] == ["spr-1", "spr-2", "spr-1"]


def test_a_recorder_that_is_started_again_goes_on_and_nobody_arrives_twice(tmp_path: Path, stubs: Stubs) -> None:
    for _ in range(2):
        put(stubs, Kind.POD, "stays", pod_object("uid-of-stays", node="spr-1"))
        with recorder(tmp_path, stubs) as found:
            eventually(written(found, node=1, pod=1))
            eventually(lambda: found._whole)
    troubles: Counter[Trouble] = Counter()
    looked = survey(Recording(tmp_path), {}, period=ALWAYS, background=(), troubles=troubles)
    assert not looked.placements
    assert (looked.there_before, Recording(tmp_path).sessions) == (1, 2)
    assert not +troubles


def test_it_ends_by_itself_when_the_time_is_over(tmp_path: Path, stubs: Stubs) -> None:
    ran: list[int] = []
    with recording_into(tmp_path, session=datetime.now(UTC)) as writer:
        found = Recorder(stubs[Kind.NODE].server, writer, told=lambda _: None)
        found.follow(seconds=0.3, periodically=lambda: ran.append(1), period_seconds=0.05)
    assert len(ran) >= 2
    assert events(tmp_path)


def test_an_object_that_cant_be_kept_is_said_and_left_out(tmp_path: Path, stubs: Stubs) -> None:
    said: list[str] = []
    stubs[Kind.POD].put("odd", spec={"containers": 3})
    with recording_into(tmp_path, session=datetime.now(UTC)) as writer:
        found = Recorder(stubs[Kind.NODE].server, writer, told=said.append)
        thread = threading.Thread(
            target=lambda: found.follow(seconds=FOREVER, periodically=lambda: None, period_seconds=FOREVER)
        )
        thread.start()
        eventually(lambda: any("all that the cluster has is written" in sentence for sentence in said))
        found.stop()
        thread.join()
    assert any("not written: pods odd is refused: Pod is refused" in sentence for sentence in said)
    assert Kind.POD not in found.written


def test_an_api_server_that_refuses_is_complained_of_once_and_when_it_is_back(tmp_path: Path, stubs: Stubs) -> None:
    said: list[str] = []
    for stub in stubs.values():
        stub.refusal = 403
    with recording_into(tmp_path, session=datetime.now(UTC)) as writer:
        found = Recorder(stubs[Kind.NODE].server, writer, told=said.append)
        thread = threading.Thread(
            target=lambda: found.follow(seconds=FOREVER, periodically=lambda: None, period_seconds=FOREVER)
        )
        thread.start()
        eventually(lambda: any("with 403: not now" in sentence for sentence in said))
        for stub in stubs.values():
            stub.refusal = 0
        eventually(lambda: "the API server is followed again" in said)
        found.stop()
        thread.join()
    assert found.written[Kind.NODE] == 1


def test_the_clusters_time_is_asked_for_first_and_a_refusal_ends_it(stubs: Stubs) -> None:
    server = stubs[Kind.NODE].server
    found = cluster_time(server)
    assert found is not None
    assert abs(datetime.now(UTC) - found) < timedelta(minutes=5)
    stubs[Kind.NODE].refusal = 403
    with pytest.raises(ApiError, match="refuses /api/v1/nodes with 403: not now"):
        cluster_time(server)
