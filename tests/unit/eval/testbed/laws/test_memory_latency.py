"""Memory under load, against curves that Intel's Memory Latency Checker (MLC) printed and against Mess."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.testbed.behaviour import Behaviour
from eval.testbed.hardware import (
    CORES_PER_SOCKET,
    DRAM_IDLE_NS,
    DRAM_PEAK_BYTES_PER_SECOND,
    L2_HIT_NS,
    LINE_BYTES,
    LLC_HIT_NS,
    SUPER_QUEUE_ENTRIES,
    TRANSFER_NS,
    UPI_HOP_NS,
)
from eval.testbed.memory import dram_latency_ns
from eval.testbed.stressor import Stressor
from tests.unit.eval.testbed.laws.behaviours import STREAMS
from tests.unit.eval.testbed.laws.beside import solved, tenant

ICE_LAKE = (
    (409_600.0, 91.23),
    ((153.80, 297_201.4), (109.56, 173_692.5), (102.11, 123_303.1), (99.73, 95_482.2), (95.63, 41_144.3)),
)
CASCADE_LAKE = (
    (255_900.0, 78.92),
    ((130.61, 195_882.4), (102.65, 133_820.1), (95.04, 101_353.2), (91.56, 81_585.9), (85.54, 41_551.3)),
)
"""Peak in MB/s and idle latency in ns, then loaded latency at a traffic; both of two sockets."""


def ratio_to_idle(share_of_peak: float) -> float:
    return float(dram_latency_ns(np.array(share_of_peak * DRAM_PEAK_BYTES_PER_SECOND)) / DRAM_IDLE_NS)


def share_that_streams_reach() -> float:
    return float(solved(tenant(STREAMS, CORES_PER_SOCKET)).traffic[0] / DRAM_PEAK_BYTES_PER_SECOND)


def test_idle_latencies_stand_in_the_order_that_intel_gives() -> None:
    """Intel perfmon, sapphirerapids_metrics.json V1.3: L2_Hit_Latency 4.4 ns, L3_Hit_Latency 37, Contested_Accesses 81,
    Local_MEM 109, Remote_MEM 190."""
    latencies = (L2_HIT_NS, LLC_HIT_NS, TRANSFER_NS, DRAM_IDLE_NS, DRAM_IDLE_NS + UPI_HOP_NS)
    assert latencies == (4.4, 37.0, 81.0, 109.0, 190.0)


@pytest.mark.parametrize(("share", "least", "most"), [(0.5, 1.1, 1.3), (0.8, 1.35, 1.9), (0.9, 1.6, 2.5)])
def test_latency_rises_with_the_share_of_what_streams_reach(share: float, least: float, most: float) -> None:
    """MLC on one Ice Lake and three Cascade Lake machines: 1.20 to 1.26 times the idle latency at half of the most that
    they reach, 1.46 at 0.8, 1.65 to 1.69 at 0.84 to 0.87, 2.02 at 0.93 and more (logs in gjbex/Code-optimization,
    info/, and FD.io CSIT's calibration data)."""
    assert least < ratio_to_idle(share * share_that_streams_reach()) < most


@pytest.mark.parametrize("machine", [ICE_LAKE, CASCADE_LAKE], ids=["ice-lake", "cascade-lake"])
def test_the_curve_goes_through_measured_ones(
    machine: tuple[tuple[float, float], tuple[tuple[float, float], ...]],
) -> None:
    """Loaded latencies that MLC v3.10 printed for an Ice Lake (gjbex/Code-optimization, info/icelake_mlc.txt) and MLC
    v3.9 for a Xeon Platinum 8269CY (notes of "plantegg"), over their idle ones, up to three quarters of the peak."""
    (peak, idle), points = machine
    errors = [np.log(ratio_to_idle(traffic / peak) / (latency / idle)) for latency, traffic in points]
    assert np.sqrt(np.mean(np.square(errors))) < 0.1


def test_streams_on_all_cores_end_below_the_peak_and_at_a_few_times_the_idle_latency() -> None:
    """Systems saturate at 70 to 90 % of their theoretical bandwidth, with 85 to 130 ns idle and 200 to 600 ns saturated
    (Esmaili-Dokht et al., "A Mess of Memory System Benchmarking, Simulation and Application Profiling", MICRO 2024);
    MLC's highest latency is 1.89 to 3.31 times the idle one."""
    flows = solved(tenant(STREAMS, CORES_PER_SOCKET))
    assert 0.70 < flows.traffic[0] / DRAM_PEAK_BYTES_PER_SECOND < 0.90
    assert 1.89 < flows.latency_ns[0] / DRAM_IDLE_NS < 4.6


@pytest.mark.parametrize(
    "streams",
    [STREAMS, *(Stressor(axis=axis, intensity=1.0).behaviour for axis in (Axis.MEMBW, Axis.UPI))],
    ids=["streams", "stressor", "remote-stressor"],
)
def test_a_streaming_core_has_as_many_lines_in_flight_as_machines_show(streams: Behaviour) -> None:
    """Little's law over MLC's saturated states on the same four machines: 15 to 20 lines read a core; a Golden Cove
    core's super queue has 48 entries for all that is outstanding (Bakhvalov, "Performance Analysis and Tuning on Modern
    CPUs", 2nd ed. 2024, chapter 3)."""
    flows = solved(tenant(streams, CORES_PER_SOCKET))
    lines_per_byte = float(flows.latency_ns[0]) * 1e-9 / LINE_BYTES / CORES_PER_SOCKET
    assert 15.0 < flows.read[0] * lines_per_byte < 20.0
    assert (flows.read[0] + flows.written[0]) * lines_per_byte < SUPER_QUEUE_ENTRIES == 48


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_latency_rises_with_traffic_even_in_trial_states_beyond_the_peak(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert 1.0 <= ratio_to_idle(low) <= ratio_to_idle(high) < np.inf
    if high > low + 1e-6:
        assert ratio_to_idle(low) < ratio_to_idle(high)


def test_an_idle_memory_has_its_idle_latency() -> None:
    assert ratio_to_idle(0.0) == 1.0


def test_latency_has_no_jump_where_the_curve_goes_on_along_its_tangent() -> None:
    shares = np.linspace(0.97, 0.99, 2001)
    ratios = np.array([ratio_to_idle(share) for share in shares])
    assert np.diff(ratios).max() < 1.1 * np.diff(ratios)[-1]
