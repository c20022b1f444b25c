from pathlib import Path

import pytest

from agent.errors import AgentError
from agent.main import settings_of
from agent.settings import AgentSettings, Roots


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sampling_period_seconds": 0.0}, "a sample every 0.0 s"),
        ({"sampling_period_seconds": 11.0}, "a window of 10.0 s: a window holds a sample"),
        ({"window_seconds": float("inf")}, "a window of inf s"),
        ({"heartbeat_seconds": 0.0}, "a heartbeat every 0.0 s: say a number above zero"),
        ({"minimum_running_share": 1.1}, "minimum running share is 1.1: say a share from 0 to 1"),
    ],
)
def test_figures_out_of_range_are_refused(changed: dict[str, float], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        AgentSettings(node="n1", **changed)  # type: ignore[arg-type]


def test_the_node_is_named_by_the_command_then_the_environment_then_the_host(tmp_path: Path) -> None:
    def node(name: str | None, environment: dict[str, str]) -> str:
        return settings_of(state_directory=tmp_path, node=name, environment=environment).node

    assert node("told", {"NODE_NAME": "worker-7"}) == "told"
    assert node(None, {"NODE_NAME": "worker-7"}) == "worker-7"
    assert node(None, {}) == AgentSettings().node


def test_roots_and_state_are_taken_over(tmp_path: Path) -> None:
    settings = settings_of(state_directory=tmp_path, roots=Roots.under(tmp_path), environment={})
    assert (settings.state_directory, settings.roots.sys) == (tmp_path, tmp_path / "sys")
