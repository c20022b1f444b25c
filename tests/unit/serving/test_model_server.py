"""The real server under uvicorn on loopback, asked over HTTP."""

import http.client
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.bundle_archive import unpack_archive
from serving.bundle_directory import read_bundle, write_bundle
from serving.champion import bundle_place, champion_path, install_champion
from serving.errors import ModelServerError
from serving.model_server import bound, create_app, server_of
from serving.model_shelf import KEPT_ARCHIVES, ModelShelf
from tests.unit.live_server import eventually, running
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest


@dataclass(frozen=True, kw_only=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True)
class Live:
    """A server and its state directory."""

    state: Path
    port: int

    def get(self, path: str, **headers: str) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return Answered(status=found.status, headers=named, content=found.read())
        finally:
            connection.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    state = tmp_path / "state"
    with running(server_of(create_app(state))) as port:
        yield Live(state, port)


def promote(state: Path, version: str) -> str:
    source = state.parent / f"made-{version}"
    digest = write_bundle(source, manifest=manifest(version=version), graphs=graphs(), profiles=PROFILES)
    install_champion(state, source, model="leeward", version=version, digest=digest)
    return digest


def test_nobody_is_champion_before_one_was_promoted(live: Live) -> None:
    answer = live.get("/v1/champion")
    assert answer.status == 404
    assert "promote" in json.loads(answer.content)["detail"]


def test_the_champion_is_named_and_its_bundle_can_be_had(live: Live, tmp_path: Path) -> None:
    digest = promote(live.state, "7")
    champion = live.get("/v1/champion")
    assert json.loads(champion.content) == {"model": "leeward", "version": "7", "digest": digest}
    assert (champion.headers["etag"], champion.headers["cache-control"]) == (f'"{digest}"', "no-cache")
    bundle = live.get(f"/v1/bundles/{digest}")
    assert (bundle.headers["etag"], bundle.headers["content-type"]) == (f'"{digest}"', "application/x-tar")
    assert "immutable" in bundle.headers["cache-control"]
    (tmp_path / "unpacked").mkdir()
    unpack_archive(bundle.content, tmp_path / "unpacked", expected_digest=digest)
    assert read_bundle(tmp_path / "unpacked", expected_digest=digest).manifest.version == "7"


@pytest.mark.parametrize("path", ["/v1/champion", "/v1/bundles/{digest}"])
def test_what_is_known_is_not_sent_again(live: Live, path: str) -> None:
    digest = promote(live.state, "1")
    for known in (f'"{digest}"', f'"other", W/"{digest}"', "*"):
        answer = live.get(path.format(digest=digest), If_None_Match=known)
        assert (answer.status, answer.content, answer.headers["etag"]) == (304, b"", f'"{digest}"')
    assert live.get(path.format(digest=digest), If_None_Match='"other"').status == 200


def test_a_new_champion_is_named_at_once_and_the_former_can_still_be_had(live: Live) -> None:
    first = promote(live.state, "1")
    second = promote(live.state, "2")
    answer = live.get("/v1/champion", If_None_Match=f'"{first}"')
    assert json.loads(answer.content)["digest"] == second
    assert {live.get(f"/v1/bundles/{digest}").status for digest in (first, second)} == {200}


@pytest.mark.parametrize(
    "name",
    ["sha256:" + "0" * 64, "sha256:abc", "..", "%2e%2e%2fchampion.json", "sha256:" + "A" * 64, "0" * 64, "a" * 5000],
    ids=["unknown", "short", "parent", "path", "capitals", "bare", "long"],
)
def test_what_is_no_bundle_is_not_found(live: Live, name: str) -> None:
    promote(live.state, "1")
    assert live.get(f"/v1/bundles/{name}").status == 404


def test_a_torn_champion_file_is_the_servers_trouble_not_the_nodes(live: Live) -> None:
    promote(live.state, "1")
    champion_path(live.state).write_text("{")
    answer = live.get("/v1/champion")
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert "champion.json is refused" in json.loads(answer.content)["detail"]
    health = json.loads(live.get("/healthz").content)
    assert health["status"] == "ok"
    assert "champion.json is refused" in health["championRefused"]


def test_a_damaged_bundle_is_not_passed_on_and_a_mended_one_is(live: Live) -> None:
    digest = promote(live.state, "1")
    place = bundle_place(live.state, digest)
    (place / "regime-llc.onnx").write_bytes(b"torn")
    assert live.get(f"/v1/bundles/{digest}").status == 503
    shutil.rmtree(place)
    shutil.rmtree(live.state.parent / "made-1")
    promote(live.state, "1")
    assert live.get(f"/v1/bundles/{digest}").status == 200


def test_health_names_the_champion(live: Live) -> None:
    digest = promote(live.state, "1")
    assert json.loads(live.get("/healthz").content) == {
        "champion": digest,
        "championRefused": "",
        "registryComplaint": "",
        "status": "ok",
    }


@pytest.mark.slow
def test_a_registry_that_is_away_is_said_and_the_last_champion_named_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    digest = promote(tmp_path / "state", "1")
    app = create_app(tmp_path / "state", tracking_uri="http://127.0.0.1:9", registry_seconds=0.05)
    with running(server_of(app)) as port:
        live = Live(tmp_path / "state", port)
        eventually(lambda: json.loads(live.get("/healthz").content)["registryComplaint"])
        assert json.loads(live.get("/v1/champion").content)["digest"] == digest


def test_a_bundle_is_read_once_however_many_ask_and_few_are_kept(tmp_path: Path) -> None:
    digests = [promote(tmp_path / "state", str(version)) for version in range(KEPT_ARCHIVES + 1)]
    shelf = ModelShelf(tmp_path / "state")
    archives: list[bytes | None] = []
    askers = [threading.Thread(target=lambda: archives.append(shelf.archive(digests[0]))) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(archives) == 8
    assert len({id(archive) for archive in archives}) == 1
    for digest in digests[1:]:
        shelf.archive(digest)
    shutil.rmtree(tmp_path / "state" / "bundles")
    assert [shelf.archive(digest) is None for digest in digests] == [True, *[False] * KEPT_ARCHIVES]


def test_a_port_in_use_is_refused_in_one_sentence(live: Live) -> None:
    with pytest.raises(ModelServerError, match=f"can't listen on 127.0.0.1 port {live.port}: .*name another"):
        bound("127.0.0.1", live.port)
