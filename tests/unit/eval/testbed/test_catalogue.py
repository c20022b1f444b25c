"""The population of workloads: its shape, its variety, and the published magnitudes that it keeps to."""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.axis import Axis
from contracts.slowdown import IndicatorKind
from eval.testbed.catalogue import SMALL, WORKLOADS, workload
from eval.testbed.catalogue.signalling import SIGNALLING
from eval.testbed.core_counters import core_rates
from eval.testbed.equilibrium import equilibrium
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import CORES_PER_SOCKET, STLB_ENTRIES, STLB_HUGE_ENTRIES
from eval.testbed.scene import Scene, Tenant
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import Workload
from tests.unit.eval.testbed.scenes import node_with, slowdown

NAMES = [known.name for known in WORKLOADS]
GROUPS = np.array([known.group for known in WORKLOADS])
SIGNALLING_ALONE = [known for known in SIGNALLING if known.group != "dns"]
HUGE_PAGED_LOOPS = [known for known in WORKLOADS if known.polls and known.behaviour.pages.entries == STLB_HUGE_ENTRIES]
BIG_MEMORY = [
    known
    for known in WORKLOADS
    if known.behaviour.pages.entries == STLB_ENTRIES and known.behaviour.pages.hot >= 10_000.0
]


@cache
def slowdowns() -> NDArray[np.float64]:
    """``(workloads, axes)``, beside each stressor at full intensity."""
    return np.array([[slowdown(name, Stressor(axis=axis, intensity=1.0)) for axis in PRESSED_AXES] for name in NAMES])


@cache
def counted_alone(name: str) -> dict[str, float]:
    """Of each core event, how often an instruction."""
    node = node_with(workload(name))
    rates = core_rates(node.scene, node.flows, np.ones(len(node.scene.tenants)))
    return {event: float(counts[0] / rates["INST_RETIRED.ANY"][0]) for event, counts in rates.items()}


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.argsort().argsort().astype(np.float64)


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def fetch_latency(known: Workload) -> float:
    counted = counted_alone(known.name)
    return counted["PERF_METRICS.FETCH_LATENCY"] / counted["TOPDOWN.SLOTS"]


def walking_share(known: Workload) -> float:
    flows = node_with(known).flows
    return float((flows.walk_core_ns[0] + flows.walk_wait_ns[0]) / flows.service_ns[0])


def two_on_one_core(known: Workload) -> float:
    """Throughput of two copies on the two threads of a core, over that of one alone; both always have more to do."""
    copy = Tenant(behaviour=replace(known.behaviour, forward_ns=0.0), socket=0, threads=1, load=None)
    elsewhere = replace(copy, socket=1, load=1e-6)
    one = equilibrium(Scene(tenants=(copy, elsewhere)))
    two = equilibrium(Scene(tenants=(copy, copy, elsewhere), siblings=((0, 1, 1.0), (1, 0, 1.0))))
    return float(two.rate[:2].sum() / one.rate[0])


def test_workloads_are_many_and_most_groups_have_variants() -> None:
    members = Counter(GROUPS.tolist())
    assert len(set(NAMES)) == len(NAMES) >= 48
    assert len(members) >= 26
    assert sum(count > 1 for count in members.values()) > len(members) / 2


def test_functions_exist_in_poll_mode_and_interrupt_driven_in_one_group() -> None:
    both = {known.group for known in WORKLOADS if known.polls} & {known.group for known in WORKLOADS if not known.polls}
    assert both >= {"upf", "ovs", "l2fwd", "ipsec", "load-balancer", "dns", "nvmf"}


def test_an_unknown_workload_is_told_with_those_that_exist() -> None:
    with pytest.raises(TestbedError, match="no workload is called 'upf': there are upf-large, upf-small, upf-kernel"):
        workload("upf")


def test_latency_is_measured_below_saturation_and_throughput_near_it() -> None:
    for known in WORKLOADS:
        if known.indicator is not IndicatorKind.THROUGHPUT:
            assert known.load is not None
            assert known.load < 0.5
        elif known.load is not None:
            assert 0.85 <= known.load <= 0.97


def test_a_socket_takes_any_workload_twice() -> None:
    assert all(2 <= 2 * known.exclusive_cores <= CORES_PER_SOCKET for known in WORKLOADS)


def test_throughput_in_poll_mode_is_that_of_a_pipeline() -> None:
    for known in WORKLOADS:
        if known.polls and known.indicator is IndicatorKind.THROUGHPUT:
            assert known.forwarders >= known.serving, known.name


@pytest.mark.parametrize("axis", PRESSED_AXES)
def test_each_axis_hurts_somebody_badly_and_somebody_hardly(axis: Axis) -> None:
    column = slowdowns()[:, PRESSED_AXES.index(axis)]
    assert column.max() >= (1.5 if axis in (Axis.UPI, Axis.DDIO) else 1.8)
    assert column.min() < 1.05


def test_a_dozen_of_ten_groups_show_every_axis() -> None:
    rows = [NAMES.index(name) for name in SMALL]
    assert len(set(SMALL)) == 12
    assert len(set(GROUPS[rows])) == 10
    assert (slowdowns()[rows].max(axis=0) >= 1.4).all()


def test_who_suffers_on_one_axis_is_not_who_suffers_on_another() -> None:
    for one, other in combinations(range(len(PRESSED_AXES)), 2):
        assert rank_correlation(slowdowns()[:, one], slowdowns()[:, other]) < 0.95


def test_no_two_groups_suffer_alike() -> None:
    logarithms = np.log(slowdowns())
    apart = np.abs(logarithms[:, None, :] - logarithms[None, :, :]).max(axis=2)
    assert apart[GROUPS[:, None] != GROUPS[None, :]].min() > 0.05


def test_no_counter_of_a_workload_alone_tells_how_it_suffers() -> None:
    for event in counted_alone(NAMES[0]):
        counted = np.array([counted_alone(name)[event] for name in NAMES])
        for index, axis in enumerate(PRESSED_AXES):
            assert abs(rank_correlation(counted, slowdowns()[:, index])) < 0.8, (event, axis)


@pytest.mark.parametrize("known", SIGNALLING_ALONE, ids=lambda known: known.name)
def test_signalling_waits_for_its_code(known: Workload) -> None:
    """Kanev et al., ISCA 2015: 15 to 30 % of slots are front-end bound in services."""
    assert 0.15 <= fetch_latency(known) <= 0.35
    assert 0.010 <= counted_alone(known.name)["L2_RQSTS.ALL_CODE_RD"] <= 0.050


def test_packet_loops_fit_the_front_end() -> None:
    for known in WORKLOADS:
        if known.polls:
            assert fetch_latency(known) < 0.10, known.name
            assert counted_alone(known.name)["L2_RQSTS.ALL_CODE_RD"] < 0.003, known.name


def test_huge_pages_spare_the_walks() -> None:
    assert max(map(walking_share, HUGE_PAGED_LOOPS)) <= 0.02


@pytest.mark.parametrize("known", BIG_MEMORY, ids=lambda known: known.name)
def test_big_memory_in_small_pages_walks(known: Workload) -> None:
    """Basu et al., ISCA 2013: up to half of the time."""
    assert 0.05 <= walking_share(known) <= 0.5


def test_two_copies_on_a_core_gain_as_much_as_was_measured() -> None:
    """Tuck and Tullsen, PACT 2003: 0.90 to 1.58, 1.20 on average."""
    gains = np.array([two_on_one_core(known) for known in WORKLOADS])
    assert gains.min() >= 0.90
    assert gains.max() <= 1.65
    assert 1.10 <= gains.mean() <= 1.40


def test_packet_functions_lose_to_the_cache_what_was_measured() -> None:
    """Tootoonchian et al., NSDI 2018: up to 44 % of the throughput."""
    column = slowdowns()[:, PRESSED_AXES.index(Axis.LLC)]
    lost = [
        1.0 - 1.0 / slower
        for known, slower in zip(WORKLOADS, column, strict=True)
        if known.polls and known.indicator is IndicatorKind.THROUGHPUT
    ]
    assert 0.10 <= max(lost) <= 0.50
    assert 1.0 - 1.0 / column[NAMES.index("transcoder")] <= 0.10
