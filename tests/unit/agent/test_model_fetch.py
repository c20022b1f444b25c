"""The node's side against the real model server under uvicorn; ``test_model_client`` has servers that misbehave."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.champion_model import ChampionModel
from agent.http_client import Server
from agent.model_fetch import (
    ENDED,
    NOBODY_PROMOTED,
    NOT_ACCEPTED,
    NOT_REACHED,
    NOT_STORED,
    FetchFigures,
    ModelFetch,
)
from agent.troubles import Troubles
from contracts.axis import Axis
from serving.bundle_directory import write_bundle
from serving.champion import bundle_place, champion_path, install_champion, read_champion
from serving.model_server import create_app, server_of
from tests.unit.agent.logged import logged_events
from tests.unit.agent.model_node import POLL_SECONDS, Node, started
from tests.unit.agent.test_regime import vector
from tests.unit.live_server import eventually, running
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest
from tests.unit.serving.small_files import files_limited_to


def threads_asking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "model-fetch"]


@dataclass(frozen=True)
class Live:
    """The real server, and where its champions come from."""

    state: Path
    url: str

    def promote(self, version: str, **changed: bytes) -> str:
        source = self.state.parent / f"made-{version}"
        files = graphs() | {name.replace("_", "-") + ".onnx": content for name, content in changed.items()}
        digest = write_bundle(source, manifest=manifest(version=version), graphs=files, profiles=PROFILES)
        install_champion(self.state, source, model="leeward", version=version, digest=digest)
        return digest

    def promote_again(self, version: str, digest: str) -> None:
        install_champion(
            self.state, self.state.parent / f"made-{version}", model="leeward", version=version, digest=digest
        )


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    state = tmp_path / "server" / "state"
    with running(server_of(create_app(state))) as port:
        yield Live(state, f"http://127.0.0.1:{port}")


@pytest.fixture
def node(live: Live, tmp_path: Path) -> Node:
    return Node(tmp_path / "node", live.url)


def test_a_champion_comes_to_the_node_and_judges(live: Live, node: Node) -> None:
    digest = live.promote("1")
    assert node.fetch.ask() == POLL_SECONDS
    model = ChampionModel(node.state)
    model.refresh()
    assert model.predictor is not None
    assert set(model.predictor.probabilities(vector().values)) == {Axis.LLC}
    assert (model.digest, node.amiss) == (digest, [])
    assert node.fetch.figures == FetchFigures(asked=1, fetched=1)


def test_a_champion_that_stays_is_not_sent_again(live: Live, node: Node) -> None:
    live.promote("1")
    for _ in range(3):
        node.fetch.ask()
    assert node.fetch.figures == FetchFigures(asked=3, fetched=1, unchanged=2)


def test_a_restart_asks_with_what_it_has(live: Live, node: Node) -> None:
    live.promote("1")
    node.fetch.ask()
    restarted = Node(node.state, live.url)
    restarted.fetch.ask()
    assert restarted.fetch.figures == FetchFigures(asked=1, unchanged=1)


def test_the_next_champion_takes_over_in_the_running_model(live: Live, node: Node) -> None:
    model = ChampionModel(node.state)
    for version in ("1", "2"):
        digest = live.promote(version)
        node.fetch.ask()
        model.refresh()
        assert model.digest == digest


def test_the_champion_and_the_one_before_are_kept(live: Live, node: Node) -> None:
    digests = []
    for version in ("1", "2", "3"):
        digests.append(live.promote(version))
        node.fetch.ask()
    assert [bundle_place(node.state, digest).exists() for digest in digests] == [False, True, True]


def test_going_back_to_the_one_before_fetches_nothing(live: Live, node: Node) -> None:
    first = live.promote("1")
    node.fetch.ask()
    live.promote("2")
    node.fetch.ask()
    live.promote_again("1", first)
    node.fetch.ask()
    assert node.digest == first
    assert node.fetch.figures == FetchFigures(asked=3, fetched=2)


def test_where_nobody_was_promoted_the_node_says_so_and_asks_on(live: Live, node: Node) -> None:
    with logged_events() as events:
        assert {node.fetch.ask() for _ in range(3)} == {POLL_SECONDS}
    assert [event.name for event in events] == [NOBODY_PROMOTED]
    assert node.digest is None
    live.promote("1")
    node.fetch.ask()
    assert node.amiss == []


def test_a_champion_that_was_withdrawn_serves_on(live: Live, node: Node) -> None:
    digest = live.promote("1")
    node.fetch.ask()
    champion_path(live.state).unlink()
    node.fetch.ask()
    assert (node.digest, node.amiss) == (digest, [NOBODY_PROMOTED])
    assert f"bundle {digest} serves on" in node.troubles.present[0].sentence


def test_a_restart_without_network_serves_what_is_on_the_disk(live: Live, node: Node) -> None:
    digest = live.promote("1")
    node.fetch.ask()
    cut_off = Node(node.state, "http://127.0.0.1:9")
    with logged_events() as events:
        for _ in range(3):
            cut_off.fetch.ask()
    assert (cut_off.digest, cut_off.amiss) == (digest, [NOT_REACHED])
    assert [event.name for event in events if event.name != "champion-loaded"] == [NOT_REACHED]


def test_without_network_waits_grow_and_shrink_again(live: Live, tmp_path: Path) -> None:
    node = Node(tmp_path / "node", "http://127.0.0.1:9")
    waits = [node.fetch.ask() for _ in range(12)]
    assert waits[:4] == [2.5, 5.0, 10.0, 20.0]
    assert waits[-1] == 300.0
    assert node.fetch.figures == FetchFigures(asked=12, failed=12)


@pytest.mark.parametrize("torn", ["truncated", "missing", "superfluous"])
def test_a_bundle_that_was_damaged_on_the_nodes_disk_is_fetched_again(live: Live, node: Node, torn: str) -> None:
    digest = live.promote("1")
    node.fetch.ask()
    whole = node.files()
    graph = bundle_place(node.state, digest) / "regime-llc.onnx"
    match torn:
        case "truncated":
            os.truncate(graph, 10)
        case "missing":
            graph.unlink()
        case "superfluous":
            (graph.parent / "model.pkl").touch()
    model = ChampionModel(node.state)
    model.refresh()
    assert model.predictor is None
    restarted = Node(node.state, live.url)
    restarted.fetch.ask()
    model.refresh()
    assert (model.digest, restarted.fetch.figures.fetched, node.files()) == (digest, 1, whole)


def test_a_bundle_that_vanishes_while_running_is_fetched_again(live: Live, node: Node) -> None:
    digest = live.promote("1")
    node.fetch.ask()
    bundle_place(node.state, digest).rename(node.state / "aside")
    node.fetch.ask()
    assert (node.digest, node.fetch.figures.fetched) == (digest, 2)


def test_a_torn_champion_file_is_written_anew(live: Live, node: Node) -> None:
    digest = live.promote("1")
    node.fetch.ask()
    os.truncate(champion_path(node.state), 20)
    node.fetch.ask()
    assert (node.digest, node.fetch.figures.fetched) == (digest, 1)


@pytest.mark.parametrize("name", ["regime_llc", "slowdown_q50"])
def test_a_model_that_does_not_run_is_refused_and_the_old_one_stays(live: Live, node: Node, name: str) -> None:
    """What a regime needs is tried; the graphs that only the extender runs are not."""
    good = live.promote("1")
    node.fetch.ask()
    kept = node.files()
    bad = live.promote("2", **{name: b"no graph"})
    waits = [node.fetch.ask() for _ in range(2)]
    if name == "slowdown_q50":
        assert (node.digest, node.amiss) == (bad, [])
        return
    assert waits == [2.5, 5.0]
    assert (node.digest, node.amiss, node.files()) == (good, [NOT_ACCEPTED], kept)
    assert "can't be loaded by ONNX Runtime" in node.troubles.present[0].sentence
    restarted = ChampionModel(node.state)
    restarted.refresh()
    assert restarted.digest == good


def test_a_server_that_lost_its_bundle_is_told_of_and_the_old_one_stays(live: Live, node: Node) -> None:
    good = live.promote("1")
    node.fetch.ask()
    lost = live.promote("2")
    (bundle_place(live.state, lost) / "manifest.json").unlink()
    with logged_events() as events:
        assert node.fetch.ask() == 30.0 + 2.5, "its Retry-After, and the drawn wait on top"
        node.fetch.ask()
    assert [event.name for event in events] == [NOT_REACHED]
    assert (node.digest, node.amiss) == (good, [NOT_REACHED])


def test_a_full_disk_keeps_the_old_one_and_leaves_nothing_half_written(live: Live, node: Node) -> None:
    good = live.promote("1")
    node.fetch.ask()
    kept = node.files()
    new = live.promote("2")
    with logged_events() as events, files_limited_to(4096):
        for _ in range(3):
            node.fetch.ask()
    assert [event.name for event in events] == [NOT_STORED]
    assert (node.digest, node.amiss, node.files()) == (good, [NOT_STORED], kept)
    assert f"make room in {node.state}" in node.troubles.present[0].sentence
    node.fetch.ask()
    assert (node.digest, node.amiss) == (new, [])


def test_what_a_killed_agent_left_is_gone_once_the_next_one_runs(live: Live, node: Node) -> None:
    digest = live.promote("1")
    node.fetch.ask()
    whole = node.files()
    left = node.state / "bundles" / ".unfinished.k1", node.state / ".champion.json.k2"
    (left[0] / "bundle").mkdir(parents=True)
    left[1].write_bytes(b"{")
    with started(Node(node.state, live.url)):
        eventually(lambda: not any(path.exists() for path in left))
    assert (node.digest, node.files()) == (digest, whole)


def test_the_thread_asks_at_once_where_there_is_no_model_and_ends_when_told(live: Live, node: Node) -> None:
    digest = live.promote("1")
    with started(node):
        eventually(lambda: node.fetch.figures.fetched == 1)
    assert node.digest == digest
    assert not threads_asking()


def test_with_a_model_at_hand_the_first_question_waits(live: Live, node: Node) -> None:
    live.promote("1")
    node.fetch.ask()
    restarted = Node(node.state, live.url)
    assert restarted.fetch.first_wait_seconds() == POLL_SECONDS / 2
    assert Node(node.state.parent / "new", live.url).fetch.first_wait_seconds() == 0.0


def test_a_server_that_hangs_does_not_keep_the_agent_from_ending(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = Node(tmp_path / "node", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with started(node):
            eventually(lambda: node.fetch.figures.asked == 1)
        assert threads_asking(), "it still waits for an answer, and nobody waits for it"
        silent.settimeout(5)
        silent.accept()[0].close()
        eventually(lambda: not threads_asking())


FETCH = """
import shutil
import sys
from pathlib import Path
from agent.http_client import Server
from agent.model_fetch import ModelFetch
from agent.troubles import Troubles
state = Path(sys.argv[2])
fetch = ModelFetch(Server(url=sys.argv[1]), state, troubles=Troubles())
print("ready", flush=True)
while True:
    (state / "champion.json").unlink(missing_ok=True)
    for bundle in (state / "bundles").glob("[!.]*"):
        shutil.rmtree(bundle)
    fetch.ask()
    print("fetched", flush=True)
"""


@pytest.mark.slow
def test_an_agent_that_is_killed_at_any_time_leaves_no_champion_that_is_not_whole(live: Live, node: Node) -> None:
    digest = live.promote("1")
    for run in range(8):
        child = subprocess.Popen([sys.executable, "-c", FETCH, live.url, str(node.state)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(2 + run % 3):
            child.stdout.readline()
        try:
            child.wait(timeout=0.003 * run)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if read_champion(node.state) is not None:
            assert node.digest == digest
    with started(Node(node.state, live.url)):
        eventually(lambda: node.digest == digest)
    assert not [name for name in node.files() if "unfinished" in name or name.startswith(".champion")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_of_a_defect_is_told(tmp_path: Path) -> None:
    def defect() -> float:
        raise AssertionError("a defect")

    troubles = Troubles()
    fetch = ModelFetch(Server(url="http://127.0.0.1:1"), tmp_path, troubles=troubles, share=defect)
    fetch.start()
    eventually(lambda: ENDED in troubles.counts)
    fetch.close()
    assert ENDED in {trouble.name for trouble in troubles.present}


def test_an_end_that_was_asked_for_is_no_trouble(live: Live, node: Node) -> None:
    with started(node):
        eventually(lambda: node.fetch.figures.asked > 0)
    eventually(lambda: not threads_asking())
    assert ENDED not in node.troubles.counts
