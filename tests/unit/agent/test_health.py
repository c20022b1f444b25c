from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.figures import Figures
from agent.health import hanging, unready
from agent.settings import AgentSettings

SETTINGS = AgentSettings(node="n1", window_seconds=10.0, heartbeat_seconds=120.0)
STARTED = Figures(monotonic=lambda: 1000.0).snapshot()


@pytest.mark.parametrize(("window", "patience"), [(1.0, 60.0), (10.0, 60.0), (60.0, 180.0), (600.0, 1800.0)])
def test_a_loop_without_the_end_of_a_window_hangs(window: float, patience: float) -> None:
    settings = replace(SETTINGS, window_seconds=window)
    assert hanging(STARTED, settings, now_seconds=1000.0 + patience) is None
    complaint = hanging(STARTED, settings, now_seconds=1001.0 + patience)
    assert complaint is not None
    assert f"no window has ended for {patience + 1:.0f} s, though one takes {window:g} s" in complaint


def test_samples_alone_are_no_life_but_are_told() -> None:
    figures = replace(STARTED, beaten_seconds=1099.0)
    assert "the last sample was 1 s ago: restart" in str(hanging(figures, SETTINGS, now_seconds=1100.0))


def test_nothing_published_is_not_ready() -> None:
    assert "no NodeState has been published yet" in str(unready(SETTINGS, published_seconds=None, now_seconds=5.0))


@given(heartbeat=st.floats(1.0, 3600.0), age=st.floats(0.0, 10_000.0))
def test_an_agent_is_ready_as_long_as_its_state_is_not_stale(heartbeat: float, age: float) -> None:
    settings = replace(SETTINGS, heartbeat_seconds=heartbeat)
    complaint = unready(settings, published_seconds=0.0, now_seconds=age)
    assert (complaint is None) is (age <= max(300.0, 2 * heartbeat))


def test_what_is_not_ready_says_for_how_long() -> None:
    complaint = unready(SETTINGS, published_seconds=100.0, now_seconds=500.0)
    assert complaint == "no NodeState has been published for 400 s: see the log for publish-failed"
