"""The poll-mode trap: what is counted of a spinning function does not tell what it delivers."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from contracts.slowdown import IndicatorKind
from eval.testbed.catalogue import WORKLOADS, workload
from eval.testbed.core_counters import core_rates
from eval.testbed.hardware import TSC_HZ
from eval.testbed.stressor import PRESSED_AXES, Stressor
from tests.unit.eval.testbed.scenes import VICTIM, node_with

POLL_MODE = [known.name for known in WORKLOADS if known.polls and known.indicator is IndicatorKind.THROUGHPUT]
BROUGHT_DOWN = 1.15
"""A slowdown by which a throughput is plainly lower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One state: what an operator reads of the function's CPUs, and what the function delivers."""

    ipc: float
    utilisation: float
    slowdown: float


@cache
def states(name: str) -> tuple[Seen, ...]:
    """Alone, then beside each stressor at full intensity."""
    company: list[tuple[Stressor, ...]] = [(), *((Stressor(axis=axis, intensity=1.0),) for axis in PRESSED_AXES)]
    return tuple(_seen(name, *others) for others in company)


def _seen(name: str, *others: Stressor) -> Seen:
    node = node_with(workload(name), *others)
    rates = core_rates(node.scene, node.flows, np.ones(len(node.scene.tenants)))
    return Seen(
        ipc=float(rates["INST_RETIRED.ANY"][0] / rates["CPU_CLK_UNHALTED.THREAD"][0]),
        utilisation=float(rates["CPU_CLK_UNHALTED.REF_TSC"][0]) / TSC_HZ,
        slowdown=node.true_slowdown(VICTIM),
    )


def ipc_moves(name: str) -> list[float]:
    """How far IPC moves, as a share of what it is alone, in the states with a throughput that is plainly lower."""
    alone, *pressed = states(name)
    return [abs(seen.ipc / alone.ipc - 1.0) for seen in pressed if seen.slowdown >= BROUGHT_DOWN]


@pytest.mark.parametrize("name", POLL_MODE)
def test_throughput_falls_and_neither_utilisation_nor_ipc_tells(name: str) -> None:
    moves = ipc_moves(name)
    assert moves
    assert max(moves) < 0.10
    assert all(seen.utilisation == pytest.approx(1.0, abs=1e-12) for seen in states(name))


def test_most_falls_of_throughput_move_ipc_by_less_than_seven_hundredths() -> None:
    moves = [move for name in POLL_MODE for move in ipc_moves(name)]
    assert np.mean(np.array(moves) < 0.07) > 0.8


@pytest.mark.parametrize("name", POLL_MODE)
def test_a_function_of_one_ipc_delivers_more_or_less(name: str) -> None:
    assert any(
        abs(one.ipc / other.ipc - 1.0) < 0.04 and abs(one.slowdown - other.slowdown) > 0.2
        for one, other in combinations(states(name), 2)
    )


def test_ipc_does_not_order_slowdowns() -> None:
    seen = [(state.ipc / states(name)[0].ipc, state.slowdown) for name in POLL_MODE for state in states(name)[1:]]
    pairs = list(combinations(seen, 2))
    assert any(abs(one[0] / other[0] - 1.0) < 0.02 and one[1] / other[1] > 1.2 for one, other in pairs)
    assert any(one[0] > other[0] * 1.02 and one[1] > 1.2 * other[1] for one, other in pairs)


def test_a_function_that_sleeps_instead_shows_its_load() -> None:
    polling, sleeping = node_with(workload("ovs-poll")), node_with(workload("ovs-kernel"))
    assert polling.flows.active[0] == 1.0
    assert sleeping.flows.active[0] == pytest.approx(sleeping.flows.busy[0])
    assert sleeping.flows.active[0] < 0.5
