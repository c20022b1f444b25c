from pathlib import Path

import pytest

from agent.errors import PublishError
from agent.publish import DirectoryPublisher
from contracts.nodestate import NodeState
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
