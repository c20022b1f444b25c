"""What an operator can set, and what is said of mistakes."""

from pathlib import Path

import pytest

from scheduler_extender.errors import ExtenderError
from scheduler_extender.main import bound, build_extender, serve
from scheduler_extender.policy import NamespacePolicy
from scheduler_extender.settings import ExtenderSettings, read_settings


def test_nothing_set_means_the_defaults(state: Path) -> None:
    assert read_settings(state) == ExtenderSettings()


def test_what_is_set_counts(state: Path) -> None:
    (state / "extender.json").write_text(
        '{"leewardPolicy": {"namespaces": {"core": {"maxSlowdown": 1.1}}, "staleAfterSeconds": 60}}'
    )
    policy = build_extender(state).settings.leeward_policy
    assert policy.namespaces == {"core": NamespacePolicy(max_slowdown=1.1)}
    assert (policy.stale_after_seconds, policy.max_slowdown) == (60.0, 1.25)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "document: Invalid JSON"),
        ('{"staleAfter": 60}', "staleAfter: Extra inputs are not permitted"),
        ('{"leewardPolicy": {"maxSlowdown": 0.5}}', "leewardPolicy.maxSlowdown: Input should be greater than or equal"),
        ('{"leewardPolicy": {"enforcement": "Required"}}', "leewardPolicy.enforcement: Input should be 'preferred' or"),
        (
            '{"leewardPolicy": {"shadowShare": 1.5}}',
            "leewardPolicy.shadowShare: Input should be less than or equal to 1",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(state: Path, content: str, complaint: str) -> None:
    (state / "extender.json").write_text(content)
    with pytest.raises(ExtenderError, match=rf"extender.json is refused: .*{complaint}.*; correct or remove it"):
        read_settings(state)


def test_a_directory_in_its_place_is_refused(state: Path) -> None:
    (state / "extender.json").mkdir()
    with pytest.raises(ExtenderError, match=r"extender.json can't be read: Is a directory; make it readable or remove"):
        read_settings(state)


def test_a_state_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExtenderError, match="can't be used as state: File exists; name a directory"):
        serve(state=tmp_path / "file", port=0)


def test_a_port_that_is_taken_is_refused() -> None:
    with bound("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ExtenderError, match=rf"can't listen on 127.0.0.1 port {port}: Address already in use; name"
        ):
            bound("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ExtenderError, match=r"can't listen on 203.0.113.1 port 0: Cannot assign .*name another --host"):
        bound("203.0.113.1", 0)
