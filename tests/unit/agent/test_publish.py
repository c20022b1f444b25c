import json
from pathlib import Path

import pytest

from agent.errors import PublishError
from agent.publish import DirectoryPublisher, Published
from contracts.nodestate import EventGroup, Metadata, NodeState, Spec
from tests.unit.agent.fabricated_node import Node


def test_the_embedded_publisher_replaces_atomically_and_leaves_nothing_behind(tmp_path: Path) -> None:
    node = Node(tmp_path)
    publisher = DirectoryPublisher(node.settings.state_directory)
    state = node.observe()
    publisher.publish(state)
    publisher.publish(state)
    (path,) = (tmp_path / "state/nodestates").iterdir()
    assert path == publisher.path_of("node-1")
    assert NodeState.from_json(path.read_bytes()) == state
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["../escape", "Upper", "", "a/b", "-a", "a" * 254])
def test_only_node_names_become_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(PublishError, match="DNS-1123"):
        DirectoryPublisher(tmp_path).path_of(name)


def test_an_unwritable_state_directory_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    state = Node(tmp_path / "node").observe()
    with pytest.raises(PublishError, match="writable state directory"):
        DirectoryPublisher(tmp_path / "state").publish(state)


def test_a_failed_replacement_leaves_the_old_state_and_no_leftovers(tmp_path: Path) -> None:
    """The target is a directory: the last step, the rename, fails."""
    state = Node(tmp_path / "node").observe()
    publisher = DirectoryPublisher(tmp_path)
    (publisher.path_of("node-1") / "in the way").mkdir(parents=True)
    with pytest.raises(PublishError, match="can't be written"):
        publisher.publish(state)
    assert [path.name for path in (tmp_path / "nodestates").iterdir()] == ["node-1.json"]


def test_what_a_killed_agent_left_half_written_goes_with_the_first_write(tmp_path: Path) -> None:
    """Agents of other nodes may write to the same directory just then."""
    state = Node(tmp_path / "node").observe()
    directory = tmp_path / "nodestates"
    directory.mkdir()
    for name in (".node-1.json.k1ll3d__", ".node-2.json.writing_"):
        (directory / name).write_text("{")
    DirectoryPublisher(tmp_path).publish(state)
    assert {path.name for path in directory.iterdir()} == {"node-1.json", ".node-2.json.writing_"}


def edited(publisher: DirectoryPublisher, spec: object) -> None:
    path = publisher.path_of("node-1")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"spec": spec}))


def test_what_the_administrator_set_in_the_file_is_kept_and_brought_back(tmp_path: Path) -> None:
    state = Node(tmp_path / "node").observe()
    publisher = DirectoryPublisher(tmp_path)
    assert publisher.publish(state) == Published()
    edited(publisher, {"windowSeconds": 20, "eventGroups": ["uncore"]})
    spec = Spec(window_seconds=20.0, event_groups=(EventGroup.UNCORE,))
    for _ in range(2):
        assert publisher.publish(state) == Published(spec=spec)
    read = NodeState.from_json(publisher.path_of("node-1").read_bytes())
    assert (read.spec, read.status) == (spec, state.status)


def test_what_was_set_before_the_agent_came_counts_whatever_else_the_file_lacks(tmp_path: Path) -> None:
    state = Node(tmp_path / "node").observe()
    publisher = DirectoryPublisher(tmp_path)
    publisher.path_of("node-1").parent.mkdir()
    publisher.path_of("node-1").write_text('{"spec": {"samplingPeriodSeconds": 2.0}}')
    assert publisher.publish(state).spec == Spec(sampling_period_seconds=2.0)


@pytest.mark.parametrize("content", ['{"spec": {"windowSeconds": -1}}', '{"spec": {"windowSec', "", "\x00"])
def test_an_unlawful_or_torn_edit_is_told_and_what_was_set_before_holds(tmp_path: Path, content: str) -> None:
    state = Node(tmp_path / "node").observe()
    publisher = DirectoryPublisher(tmp_path)
    publisher.publish(state)
    edited(publisher, {"windowSeconds": 20})
    publisher.publish(state)
    publisher.path_of("node-1").write_text(content)
    published = publisher.publish(state)
    assert published.spec is None
    assert "node-1.json is refused: " in published.spec_refusal
    assert "what was set before holds: set it again" in published.spec_refusal
    assert publisher.publish(state) == Published(spec=Spec(window_seconds=20.0))


def test_a_spec_that_was_taken_away_is_gone(tmp_path: Path) -> None:
    state = Node(tmp_path / "node").observe()
    publisher = DirectoryPublisher(tmp_path)
    publisher.publish(state)
    edited(publisher, {"windowSeconds": 20})
    publisher.publish(state)
    publisher.path_of("node-1").unlink()
    assert publisher.publish(state) == Published()


def test_nodes_that_share_a_directory_keep_their_own(tmp_path: Path) -> None:
    one = Node(tmp_path / "node").observe()
    other = one.model_copy(update={"metadata": Metadata(name="node-2")})
    publisher = DirectoryPublisher(tmp_path)
    for state in (one, other):
        publisher.publish(state)
    edited(publisher, {"windowSeconds": 20})
    assert publisher.publish(one).spec is not None
    assert publisher.publish(other).spec is None
