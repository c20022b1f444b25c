"""The state directory as a source: each change once, torn files refused once, bundles only when every byte is right."""

from pathlib import Path

import pytest

from contracts.nodestate import NodeState
from scheduler_extender import directory
from scheduler_extender.sources import Changes, Refusal
from serving.champion import champion_path
from serving.errors import BundleError
from tests.unit.scheduler_extender.conftest import Promote
from tests.unit.scheduler_extender.small_cluster import (
    NOW,
    PRESSED,
    QUIET,
    node_state,
    place,
    pod_object,
    publish,
    put,
    workload,
)


def names(changes: Changes[NodeState]) -> dict[str, bool]:
    """Name to whether it is there."""
    return {change.name: change.value is not None for change in changes.changed}


def test_a_directory_that_is_not_there_holds_nothing(state: Path) -> None:
    source = directory.node_states(state)
    assert source.changes() == Changes(changed=[], refused=[])
    publish(state, node_state("a", QUIET))
    assert names(source.changes()) == {"a": True}


def test_each_change_is_told_once(state: Path) -> None:
    source = directory.node_states(state)
    publish(state, node_state("a", QUIET), node_state("b", QUIET))
    assert names(source.changes()) == {"a": True, "b": True}
    assert names(source.changes()) == {}
    publish(state, node_state("b", PRESSED))
    (state / "nodestates" / "a.json").unlink()
    assert names(source.changes()) == {"a": False, "b": True}


def test_replacing_a_file_by_one_of_the_same_size_is_seen_however_fast(state: Path) -> None:
    source = directory.node_states(state)
    for content in ([QUIET, PRESSED], [PRESSED, QUIET]) * 20:
        publish(state, node_state("a", *content))
        (change,) = source.changes().changed
        assert change.value == node_state("a", *content)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "NodeState is refused: document: Invalid JSON"),
        (node_state("a", QUIET).to_json()[:-9], "NodeState is refused: document: Invalid JSON"),
        (node_state("b", QUIET).to_json(), "it holds 'b': a file bears the name of what is in it"),
        (b'{"kind": "Pod"}', "NodeState is refused: "),
    ],
)
def test_a_torn_or_foreign_file_is_refused_once_with_its_path(state: Path, content: bytes, complaint: str) -> None:
    source = directory.node_states(state)
    put(state / "nodestates" / "a.json", content)
    found = source.changes()
    assert found.changed == []
    (refusal,) = found.refused
    assert (refusal.name, refusal.other_contract) == ("a", False)
    assert refusal.sentence.startswith(f"{state}/nodestates/a.json is refused: {complaint}")
    assert source.changes() == Changes(changed=[], refused=[])
    publish(state, node_state("a", QUIET))
    assert names(source.changes()) == {"a": True}


def test_files_being_written_and_other_files_are_let_lie(state: Path) -> None:
    put(state / "nodestates" / "README", b"x")
    put(state / "nodestates" / ".a.json.12345", b"half")
    put(state / "nodestates" / ".hidden.json", b"half")
    assert directory.node_states(state).changes() == Changes(changed=[], refused=[])


def test_pods_bear_their_uid_and_profiles_any_name(state: Path) -> None:
    place(state, pod_object("u1", node="a"))
    put(state / "pods" / "other.json", b'{"metadata": {"name": "x", "uid": "u2"}}')
    put(state / "profiles" / "whatever.json", workload("w", pressure=0.1).to_json())
    pods, profiles = directory.pods(state).changes(), directory.profiles(state).changes()
    assert [change.name for change in pods.changed] == ["u1"]
    assert "it holds 'u2'" in pods.refused[0].sentence
    assert [change.value.key for change in profiles.changed if change.value] == ["w"]
    assert workload("w", pressure=0.1).last_seen < NOW


def test_a_champion_is_handed_out_once(state: Path, promote: Promote) -> None:
    source = directory.DirectoryChampion(state)
    assert source.change() is None
    digest = promote("1")
    champion = source.change()
    assert champion is not None
    assert (champion.digest, champion.version, champion.simulated) == (digest, "1", True)
    assert source.change() is None
    second = promote("2")
    changed = source.change()
    assert changed is not None
    assert changed.digest == second


def test_an_altered_bundle_is_refused_once_and_taken_when_it_is_whole_again(state: Path, promote: Promote) -> None:
    digest = promote("1")
    graph = state / "bundles" / digest.removeprefix("sha256:") / "slowdown-q90.onnx"
    content = graph.read_bytes()
    source = directory.DirectoryChampion(state)
    put(graph, content[:-1])
    with pytest.raises(BundleError, match=r"slowdown-q90.onnx has SHA-256 .* altered or torn; fetch the bundle again"):
        source.change()
    assert source.change() is None
    put(graph, content)
    champion = source.change()
    assert champion is not None
    assert champion.digest == digest


@pytest.mark.parametrize(
    "content", [b"", b'{"model": "leeward"', b'{"model":"leeward","version":"1","digest":"latest"}']
)
def test_a_torn_champion_file_is_refused(state: Path, content: bytes) -> None:
    champion_path(state).write_bytes(content)
    with pytest.raises(BundleError, match=r"champion.json is refused: .*promote a model again"):
        directory.DirectoryChampion(state).change()


def test_a_champion_whose_bundle_is_not_there_is_refused(state: Path) -> None:
    champion_path(state).write_text('{"model":"leeward","version":"1","digest":"sha256:' + "0" * 64 + '"}')
    with pytest.raises(BundleError, match="can't be read: No such file or directory; fetch the bundle again"):
        directory.DirectoryChampion(state).change()


def test_what_is_no_file_is_refused_in_words(state: Path) -> None:
    champion_path(state).mkdir()
    with pytest.raises(BundleError, match=r"champion\.json can't be read: Is a directory"):
        directory.DirectoryChampion(state).change()
    (state / "nodestates" / "a.json").mkdir(parents=True)
    sentence = f"{state}/nodestates/a.json can't be read: Is a directory"
    assert directory.node_states(state).changes().refused == [Refusal(name="a", sentence=sentence)]
