import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from eval.errors import EvaluationError
from eval.placement.packing import packed, packing_report
from eval.placement.packing_picture import draw_packing
from eval.placement.packing_report import PackingReport, Reach
from eval.placement.packing_table import render_packing
from eval.placement.policies import PolicyName
from eval.placement.report import PlacementReport, PolicyRun
from eval.placement.runs import draw_runs
from eval.placement.settings import PlacementSettings
from eval.placement.summary import placement_report

LOADS = (0.3, 0.5, 0.7)
SETTINGS = PlacementSettings(policies=(PolicyName.DEFAULT, PolicyName.LEEWARD, PolicyName.ORACLE))
GROUPS = ("amf", "dns", "router", "smf", "upf", "vpn")
SHARES = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6)


def run_of(policy: PolicyName, *, violated: float, pods: float) -> PolicyRun:
    return PolicyRun(
        policy=policy,
        violated=violated,
        worst_slowdown=2.0,
        p99_slowdown=1.5,
        hurt=1.0,
        pods_per_node=pods,
        mean_excess=0.0,
        placed=10,
        refused=0,
        nodes_used=8.0,
        load=0.5,
    )


def report_at(load: float, violated: dict[PolicyName, float]) -> PlacementReport:
    """Two runs of which the second holds one pod more."""
    played = {
        (index, name): run_of(name, violated=share, pods=10.0 * load + index)
        for name, share in violated.items()
        for index in range(2)
    }
    runs = draw_runs(SETTINGS, GROUPS)[:2]
    return placement_report(runs, played, settings=SETTINGS, training_data="sha256:" + "1" * 64)


def found(harm: float) -> PackingReport:
    by_load = zip(LOADS, ((0.1, 0.0, 0.0), (0.3, 0.02, 0.0), (0.5, 0.22, 0.01)), strict=True)
    reports = [report_at(load, dict(zip(SETTINGS.policies, shares, strict=True))) for load, shares in by_load]
    return packing_report(reports, loads=LOADS, harm=harm, confidence=0.9)


def test_packing_is_read_off_between_the_loads_that_were_played() -> None:
    default, leeward, oracle = found(0.12).policies
    assert default.pods_per_node.value == pytest.approx(3.5 + 0.1 * 2.0)
    assert leeward.pods_per_node.value == pytest.approx(5.5 + 0.5 * 2.0)
    assert leeward.times_default is not None
    assert leeward.times_default.value == pytest.approx(6.5 / 3.7)
    assert (default.reach, leeward.reach, oracle.reach) == (Reach.WITHIN, Reach.WITHIN, Reach.MORE)
    assert oracle.pods_per_node.value == pytest.approx(7.5)
    assert [policy.times_reach for policy in (default, leeward, oracle)] == [Reach.WITHIN, Reach.WITHIN, Reach.MORE]


def test_less_harm_than_at_any_load_is_said_to_need_fewer_pods() -> None:
    default = found(0.05).policies[0]
    assert default.reach is Reach.FEWER
    assert default.pods_per_node.value == pytest.approx(3.5)


def test_beyond_what_was_played_a_multiple_is_a_bound_and_on_the_same_side_it_is_nothing() -> None:
    default, leeward, _ = found(0.05).policies
    assert default.times_default is None
    assert leeward.times_default is not None
    assert (leeward.reach, leeward.times_reach) == (Reach.WITHIN, Reach.MORE)
    assert [policy.times_default for policy in found(0.9).policies] == [None, None, None]


@given(violated=SHARES, harm=st.floats(0.01, 0.99), less=st.floats(0.0, 1.0))
def test_packing_lies_within_what_was_played_and_never_falls_with_the_harm(
    violated: list[float], harm: float, less: float
) -> None:
    pods = np.arange(len(violated), dtype=np.float64) + 2.0
    at = packed(np.array(violated), pods, harm=harm)
    assert pods[0] <= at <= pods[-1]
    assert packed(np.array(violated), pods, harm=harm * less) <= at + 1e-9


@given(violated=SHARES, harm=st.floats(0.01, 0.99), less=st.floats(0.0, 1.0))
def test_who_does_less_harm_at_every_load_packs_no_less(violated: list[float], harm: float, less: float) -> None:
    pods = np.arange(len(violated), dtype=np.float64) + 2.0
    assert packed(less * np.array(violated), pods, harm=harm) >= packed(np.array(violated), pods, harm=harm) - 1e-9


@pytest.mark.parametrize("loads", [(0.5,), (0.5, 0.5), (0.7, 0.5)], ids=["one", "the same", "falling"])
def test_loads_have_to_rise(loads: tuple[float, ...]) -> None:
    report = report_at(0.5, dict.fromkeys(SETTINGS.policies, 0.1))
    with pytest.raises(EvaluationError, match="two loads at least, rising"):
        packing_report([report] * len(loads), loads=loads, harm=0.02, confidence=0.9)


def test_it_is_written_shown_and_drawn_whole() -> None:
    report = found(0.12)
    assert PackingReport.from_json(report.to_json()) == report
    console = Console(width=80, record=True)
    console.print(render_packing(report))
    shown = console.export_text()
    assert "more than 7.5" in shown
    assert "Leeward" in shown
    assert len(draw_packing(report).axes[0].lines) >= 3
