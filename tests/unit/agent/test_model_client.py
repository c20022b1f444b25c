"""What a node makes of model servers that misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.model_fetch import (
    NOT_ACCEPTED,
    NOT_REACHED,
)
from serving.bundle_archive import LARGEST_ARCHIVE_BYTES, archive_of
from serving.bundle_directory import write_bundle
from serving.champion import Champion, install_champion
from tests.unit.agent.model_node import Node
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest


@dataclass
class Script:
    """What a server that misbehaves says: bodies by path, under a length that need not be theirs."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    declared_length: int | None = None


class _Http(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking a name server what 127.0.0.1 is called."""
        TCPServer.server_bind(self)


@contextmanager
def misbehaving() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.close_connection = True
            body = script.bodies.get(self.path, b"")
            is_archive = self.path.startswith("/v1/bundles")
            self.send_response(script.status)
            for name, value in script.headers.items():
                self.send_header(name, value)
            declared = script.declared_length if is_archive and script.declared_length is not None else len(body)
            self.send_header("Content-Length", str(declared))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with _Http(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, kw_only=True)
class Made:
    """A bundle, its archive, and a node that serves an older one."""

    digest: str
    archive: bytes
    good: str
    script: Script
    node: Node

    def name(self, digest: str | None = None, archive: bytes | None = None) -> None:
        """Let the server name a champion and hand out an archive for it."""
        named = digest or self.digest
        champion = Champion(model="leeward", version="2", digest=named)
        self.script.bodies = {
            "/v1/champion": champion.to_json(),
            f"/v1/bundles/{named}": self.archive if archive is None else archive,
        }

    def refused_as(self, *troubles: str) -> None:
        """Asking ends in trouble, and the old model serves on with nothing left beside it."""
        before, told = self.node.files(), self.told(*troubles)
        self.node.fetch.ask()
        assert self.told(*troubles) == told + 1
        assert (self.node.digest, self.node.files()) == (self.good, before)

    def told(self, *troubles: str) -> int:
        """How often these were told."""
        return sum(self.node.troubles.counts.get(name, 0) for name in troubles)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    place = tmp_path_factory.mktemp("made")
    good = write_bundle(place / "good", manifest=manifest(version="1"), graphs=graphs(), profiles=PROFILES)
    digest = write_bundle(place / "next", manifest=manifest(version="2"), graphs=graphs(), profiles=PROFILES)
    with misbehaving() as script:
        node = Node(place / "node", script.url)
        install_champion(node.state, place / "good", model="leeward", version="1", digest=good)
        yield Made(digest=digest, archive=archive_of(place / "next"), good=good, script=script, node=node)


@pytest.fixture(autouse=True)
def _well_behaved_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "made" in request.fixturenames:
        script: Script = request.getfixturevalue("made").script
        script.bodies, script.headers, script.status, script.declared_length = {}, {}, 200, None


SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)


@given(data=st.data())
@SHARED
def test_an_archive_cut_off_at_any_byte_is_refused_and_the_old_one_stays(made: Made, data: st.DataObject) -> None:
    made.name(archive=made.archive[: data.draw(st.integers(0, len(made.archive) - 1))])
    made.refused_as(NOT_ACCEPTED)


@given(data=st.data())
@SHARED
def test_a_server_that_dies_half_way_is_a_failure_and_the_old_one_stays(made: Made, data: st.DataObject) -> None:
    made.name(archive=made.archive[: data.draw(st.integers(0, len(made.archive) - 1))])
    made.script.declared_length = len(made.archive)
    made.refused_as(NOT_ACCEPTED, NOT_REACHED)


@given(data=st.data())
@SHARED
def test_an_altered_archive_is_refused_and_the_old_one_stays(made: Made, data: st.DataObject) -> None:
    altered = bytearray(made.archive)
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    made.name(archive=bytes(altered))
    made.refused_as(NOT_ACCEPTED)


def test_another_bundle_than_named_is_refused(made: Made) -> None:
    made.name(digest="sha256:" + "0" * 64)
    made.refused_as(NOT_ACCEPTED)
    assert "not that of bundle sha256:0000" in made.node.troubles.present[0].sentence


@pytest.mark.parametrize("declared", [LARGEST_ARCHIVE_BYTES + 1, 1 << 40])
def test_an_archive_of_a_huge_declared_size_is_not_accepted(made: Made, declared: int) -> None:
    made.name()
    made.script.declared_length = declared
    made.script.bodies[f"/v1/bundles/{made.digest}"] = bytes(LARGEST_ARCHIVE_BYTES + 1)
    made.refused_as(NOT_REACHED)
    assert f"longer than {LARGEST_ARCHIVE_BYTES} bytes" in made.node.troubles.present[0].sentence


@pytest.mark.parametrize(
    "said",
    [b"", b"<html>", b"{}", b'{"model":"m","version":"1","digest":"../../etc"}', b"[" * 5000, b"\xff"],
    ids=["empty", "html", "object", "path", "deep", "noise"],
)
def test_what_is_no_champion_is_refused(made: Made, said: bytes) -> None:
    made.script.bodies = {"/v1/champion": said}
    made.refused_as(NOT_ACCEPTED)


@pytest.mark.parametrize("status", [204, 301, 401, 410, 429, 500, 503])
def test_a_server_that_does_not_answer_the_question_is_left_alone_for_a_while(made: Made, status: int) -> None:
    made.script.status = status
    made.script.headers = {"Retry-After": "120", "Location": "http://127.0.0.1:9/"}
    made.refused_as(NOT_REACHED)
    assert 120.0 <= made.node.fetch.ask() <= 120.0 + 600.0
