"""Profiles out of a real Feast store, over HTTP, into a state directory and an extender; or out of what is no store."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.profile import WorkloadProfile
from feature_repo.endpoint import create_app
from feature_repo.endpoint import server_of as ingest_server_of
from feature_repo.ingest import Ingest
from feature_repo.profile_pages import ProfilePages
from feature_repo.profiles import write_profiles
from feature_repo.store import Store, open_store
from scheduler_extender import directory
from scheduler_extender.errors import ExtenderError, ProfilesError
from scheduler_extender.main import build_extender, serve, server_of
from scheduler_extender.profile_follower import CONTENT_TYPE, MOST_PAGES, PATH, ProfileFollower, pause_seconds
from scheduler_extender.service import utc_now
from scheduler_extender.settings import ExtenderSettings
from serving.published_profile import FOLLOWED, profiles_directory, publish_profile
from tests.unit.live_server import eventually, running
from tests.unit.scheduler_extender.asking import Client
from tests.unit.scheduler_extender.conftest import Promote
from tests.unit.scheduler_extender.small_cluster import QUIET, args, node_state, pod_object, publish, said, workload
from tests.unit.serving.small_files import files_limited_to

IMPATIENT = ExtenderSettings(poll_seconds=0.5, profiles_seconds=0.1, budget_seconds=60.0)


@pytest.fixture(scope="module")
def feast(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One store for all tests of the module, since it takes seconds to make; each names workloads of its own."""
    return open_store(tmp_path_factory.mktemp("feast"))


@contextmanager
def ingest(store: Store, *, page_bytes: int = 4 << 20) -> Iterator[str]:
    """Ingest in front of a store; yields its URL."""
    pages = ProfilePages(store, fresh_seconds=0.0, page_bytes=page_bytes)
    with running(ingest_server_of(create_app(Ingest(store), profiles=pages))) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def extender(state: Path, url: str) -> Iterator[Client]:
    with running(server_of(build_extender(state, IMPATIENT), state, profiles_url=url)) as port:
        yield Client(port)


@dataclass
class Told:
    """What stands in for ingest, and answers as it is told.

    Attributes:
        bodies: by what is asked after, from ``""`` on; each leads to the next.
        status, kind: of each answer.
        loops: the last page leads to the first.
        asked: the tag that came with each request.
    """

    bodies: dict[str, bytes]
    status: int = 200
    kind: str = CONTENT_TYPE
    loops: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def standing_in(*lines: bytes, **changes: Any) -> Iterator[Told]:
    told = Told({"": b"".join(line + b"\n" for line in lines)}, **changes)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(self.path.removeprefix(PATH).removeprefix("?after="))

        def _answer(self, after: str) -> None:
            told.asked.append(self.headers.get("If-None-Match", ""))
            keys = list(told.bodies)
            following = (keys.index(after) + 1) % len(keys)
            body = told.bodies[after]
            tag = f'"{hash(body)}"'
            is_known = tag == told.asked[-1] and told.status == 200
            self.send_response(304 if is_known else told.status)
            self.send_header("ETag", tag)
            if following or told.loops:
                self.send_header("Link", f'<{PATH}?after={keys[following] or "again"}>; rel="next"')
                told.bodies.setdefault("again", b"") if told.loops else None
            if not is_known:
                self.send_header("Content-Type", told.kind)
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not is_known:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield told
        finally:
            server.shutdown()


def known(state: Path) -> list[str]:
    found = directory.profiles(state).changes()
    assert not found.refused
    return sorted(change.value.key for change in found.changed if change.value is not None)


def files(state: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of writing of each file."""
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in profiles_directory(state).iterdir()}


A, B, C = (workload(key, pressure=0.2) for key in ("a", "b", "c"))
LATER_A = A.model_copy(update={"last_seen": A.last_seen + timedelta(hours=1)})


def explained(client: Client, key: str) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/explain", args(pod_object("u", profile=key), "spr-0001"))
    return found


def test_a_profile_that_is_written_while_the_extender_serves_counts_without_a_restart_and_after_one(
    feast: Store, state: Path, promote: Promote
) -> None:
    promote("1")
    publish(state, node_state("spr-0001", QUIET, seen=utc_now()))
    with ingest(feast) as url, extender(state, url) as client:
        stranger = explained(client, "core/newcomer")
        assert not stranger["known"]
        write_profiles(feast, [workload("core/newcomer", pressure=0.05, sensitivity=1.0)])
        eventually(lambda: explained(client, "core/newcomer")["known"])
        newcomer = explained(client, "core/newcomer")
        assert bound_of(newcomer) < bound_of(stranger)
        assert client.get("/healthz")["profiles_complaint"] == ""
        before = client.get("/healthz")["workloads"]
    with extender(state, url) as client:
        eventually(lambda: client.get("/healthz")["profiles_complaint"])
        assert explained(client, "core/newcomer") | {"nodes": []} == newcomer | {"nodes": []}
        assert bound_of(explained(client, "core/newcomer")) == bound_of(newcomer)
        assert client.get("/healthz")["workloads"] == before


def bound_of(explanation: dict[str, Any]) -> float:
    (node,) = explanation["nodes"]
    return max(float(party["bound"]) for party in node["parties"])


def test_a_store_that_goes_away_is_named_and_counted_and_what_was_known_serves_on(
    feast: Store, state: Path, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    promote("1")
    publish(state, node_state("spr-0001", QUIET, seen=utc_now()))
    write_profiles(feast, [workload("goes-away", pressure=0.1)])
    with ExitStack() as serving:
        url = serving.enter_context(ingest(feast))
        with extender(state, url) as client:
            eventually(lambda: explained(client, "goes-away")["known"])
            serving.close()
            eventually(lambda: client.get("/healthz")["profiles_complaint"])
            complaint = client.get("/healthz")["profiles_complaint"]
            assert complaint.startswith(f"the feature store {url} can't be followed: ")
            assert "Connection refused" in complaint
            assert explained(client, "goes-away")["known"]
            metrics = client.answered("GET", "/metrics").content.decode()
            assert "leeward_extender_profile_failures_total 0.0" not in metrics
    assert set(said(caplog, "profiles-failed")) >= {complaint}


def test_a_store_that_comes_back_is_complained_of_no_more(state: Path, promote: Promote) -> None:
    promote("1")
    publish(state, node_state("spr-0001", QUIET, seen=utc_now()))
    with standing_in(A.to_json(), status=503) as store, extender(state, store.url) as client:
        eventually(lambda: "it answers 503" in client.get("/healthz")["profiles_complaint"])
        store.status = 200
        eventually(lambda: explained(client, "a")["known"])
        assert client.get("/healthz")["profiles_complaint"] == ""


def test_what_has_not_changed_is_neither_sent_nor_written_again(feast: Store, state: Path) -> None:
    write_profiles(feast, [workload(f"same/{number}", pressure=0.1) for number in range(3)])
    with ingest(feast, page_bytes=1) as url:
        follower = ProfileFollower(state, url)
        assert follower.pull() == ""
        before = files(state)
        assert follower.pull() == ""
        assert ProfileFollower(state, url).pull() == ""
        assert files(state) == before
        write_profiles(feast, [workload("same/1", pressure=0.2).model_copy(update={"last_seen": LATER_A.last_seen})])
        assert follower.pull() == ""
        changed = {name for name, content in files(state).items() if content != before[name]}
        assert len(changed) == 1


def test_a_tag_spares_the_body(state: Path) -> None:
    with standing_in(A.to_json()) as store:
        follower = ProfileFollower(state, store.url)
        for _ in range(3):
            follower.pull()
        assert store.asked[0] == ""
        assert store.asked[1] == store.asked[2] != ""


def test_a_profile_that_the_store_has_dropped_is_removed_and_what_others_laid_there_stays(state: Path) -> None:
    publish_profile(state, C)
    with standing_in(A.to_json(), B.to_json()) as store:
        follower = ProfileFollower(state, store.url)
        follower.pull()
        assert known(state) == ["a", "b", "c"]
        store.bodies[""] = LATER_A.to_json() + b"\n"
        assert follower.pull() == ""
        assert known(state) == ["a", "c"]
        store.bodies[""] = b""
        assert ProfileFollower(state, store.url).pull() == ""
        assert known(state) == ["c"]


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"version":1,"key":"to',
        b"\xff\xfe",
        b"[" * 5000,
        A.to_json().replace(b'"version":1', b'"version":2'),
        A.to_json().replace(b"sha256:", b"sha256:f", 1),
    ],
    ids=["empty", "torn", "no text", "deep", "version", "schema"],
)
def test_a_line_that_is_no_profile_is_said_the_others_count_and_nothing_is_removed(state: Path, line: bytes) -> None:
    with standing_in(A.to_json(), B.to_json()) as store:
        follower = ProfileFollower(state, store.url)
        follower.pull()
        store.bodies[""] = b"\n".join([LATER_A.to_json(), line, C.to_json(), b""])
        for _ in range(2):
            complaint = follower.pull()
            assert complaint.startswith(f"1 profiles of the feature store {store.url} are refused, the first: ")
            assert known(state) == ["a", "b", "c"]
        store.bodies[""] = LATER_A.to_json() + b"\n"
        assert follower.pull() == ""
        assert known(state) == ["a"]


def test_what_was_known_before_comes_back_when_the_store_goes_back(state: Path) -> None:
    file = profiles_directory(state) / f"{FOLLOWED}a.json"
    with standing_in() as store:
        follower = ProfileFollower(state, store.url)
        for content in (A, LATER_A, A):
            store.bodies[""] = content.to_json() + b"\n{}\n"
            follower.pull()
            assert file.read_bytes() == content.to_json()


def test_a_file_that_was_removed_or_torn_comes_again(state: Path) -> None:
    file = profiles_directory(state) / f"{FOLLOWED}a.json"
    with standing_in(A.to_json()) as store:
        follower = ProfileFollower(state, store.url)
        follower.pull()
        file.unlink()
        follower.pull()
        assert file.read_bytes() == A.to_json()
        file.write_bytes(A.to_json()[:100])
        ProfileFollower(state, store.url).pull()
        assert file.read_bytes() == A.to_json()


@pytest.mark.parametrize(
    ("changes", "body", "reason"),
    [
        (
            {"status": 503},
            b'{"error": "the store can\'t be read: gone"}',
            "it answers 503 .*the store can't be read: gone",
        ),
        ({"status": 302}, b"", "it answers 302"),
        ({"status": 304}, b"", "it answers 304"),
        ({"kind": "text/html"}, b"<html>\n", "it answers 200 with text/html: <html>"),
        ({}, A.to_json(), "a page is torn"),
        ({}, b"x" * (8 << 20) + b"\n", "a page is longer than 8388608 bytes"),
        ({"loops": True}, A.to_json() + b"\n", "it has no end after 2 pages"),
    ],
    ids=["away", "elsewhere", "unasked", "no store", "torn", "long", "endless"],
)
def test_what_is_no_page_is_named_and_changes_nothing(
    state: Path, changes: dict[str, Any], body: bytes, reason: str
) -> None:
    with standing_in(A.to_json()) as store:
        ProfileFollower(state, store.url).pull()
        for name, value in changes.items():
            setattr(store, name, value)
        store.bodies[""] = body
        with pytest.raises(ProfilesError, match=reason):
            ProfileFollower(state, store.url).pull()
        assert known(state) == ["a"]


def test_more_pages_than_are_taken_are_named(state: Path) -> None:
    with standing_in() as store:
        store.bodies |= {str(number): b"" for number in range(MOST_PAGES)}
        with pytest.raises(ProfilesError, match=f"it has no end after {MOST_PAGES} pages"):
            ProfileFollower(state, store.url).pull()


def test_a_page_that_is_cut_off_is_named(state: Path) -> None:
    with standing_in(A.to_json()) as store:
        store.bodies[""] = _Cut(A.to_json() + b"\n")
        with pytest.raises(ProfilesError, match=r"can't be followed: .*IncompleteRead"):
            ProfileFollower(state, store.url).pull()
        assert known(state) == []


class _Cut(bytes):
    """Says that it is longer than what is sent, and closes."""

    def __len__(self) -> int:
        return super().__len__() + 100


def test_a_disk_that_takes_no_more_leaves_what_was_there(state: Path) -> None:
    with standing_in(A.to_json()) as store:
        follower = ProfileFollower(state, store.url)
        follower.pull()
        store.bodies[""] = LATER_A.to_json() + b"\n"
        with files_limited_to(100), pytest.raises(OSError, match="File too large"):
            follower.pull()
        assert (profiles_directory(state) / f"{FOLLOWED}a.json").read_bytes() == A.to_json()
        assert follower.pull() == ""
        assert (profiles_directory(state) / f"{FOLLOWED}a.json").read_bytes() == LATER_A.to_json()


@given(period=st.floats(0.1, 3600.0), failures=st.integers(0, 10**6))
def test_pauses_grow_with_failures_and_have_an_end(period: float, failures: int) -> None:
    pause = pause_seconds(period, failures=failures)
    assert 0.8 * period <= pause <= max(period, min(120.0, period * 2.0 ** min(failures, 100)))


@pytest.mark.parametrize("url", ["ingest:8080", "ftp://ingest", "http://", "http://ingest:port"])
def test_an_address_that_is_none_is_refused_at_the_start(state: Path, url: str) -> None:
    with pytest.raises(ExtenderError, match="which is no HTTP address: write http://host:port"):
        serve(state=state, port=0, profiles_url=url)


def test_a_profile_is_laid_down_as_it_was_sent(state: Path) -> None:
    spaced = json.dumps(json.loads(A.to_json())).encode()
    with standing_in(spaced) as store:
        ProfileFollower(state, store.url).pull()
    (file,) = profiles_directory(state).iterdir()
    assert file.read_bytes() == spaced
    assert WorkloadProfile.from_json(file.read_bytes()) == A


@pytest.mark.slow
def test_two_thousand_profiles_arrive_in_pages_and_are_not_written_again(feast: Store, state: Path) -> None:
    written = [workload(f"many/{number:04}", pressure=0.1) for number in range(2000)]
    write_profiles(feast, written)
    with ingest(feast, page_bytes=len(written[0].to_json()) * 200) as url:
        follower = ProfileFollower(state, url)
        assert follower.pull() == ""
        assert [key for key in known(state) if key.startswith("many/")] == [each.key for each in written]
        before = files(state)
        assert follower.pull() == ""
        assert files(state) == before
