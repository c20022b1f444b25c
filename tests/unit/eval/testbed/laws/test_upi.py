"""The links between sockets, and memory at their other end."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.hardware import (
    CORES_PER_SOCKET,
    DRAM_IDLE_NS,
    DRAM_PEAK_BYTES_PER_SECOND,
    UPI_BYTES_PER_SECOND,
    UPI_HOP_NS,
)
from eval.testbed.memory import dram_latency_ns, hop_ns
from tests.unit.eval.testbed.laws.behaviours import REMOTE_STREAMS, STREAMS, UNCACHED
from tests.unit.eval.testbed.laws.beside import slowdown, solved, tenant

LOCAL, HALF_REMOTE, REMOTE = (tenant(replace(UNCACHED, remote=share), 2) for share in (0.0, 0.5, 1.0))


def test_an_idle_remote_access_takes_as_much_longer_as_was_measured() -> None:
    """1.74 on Sapphire Rapids (Intel perfmon, sapphirerapids_metrics.json V1.3, Remote_MEM over Local_MEM); MLC prints
    1.60 to 1.84 on one Ice Lake and three Cascade Lake machines."""
    assert float(hop_ns(np.array(0.0))) == UPI_HOP_NS
    assert 1.55 < (DRAM_IDLE_NS + UPI_HOP_NS) / DRAM_IDLE_NS < 1.90
    assert solved(REMOTE).latency_ns[0] / solved(LOCAL).latency_ns[0] == pytest.approx(1.74, abs=0.1)


def test_remote_streams_end_at_the_links_share_of_the_memorys_bandwidth() -> None:
    """MLC's bandwidth across sockets is 0.30 to 0.45 of that of one socket's own memory on the same four machines; by
    lanes and transfer rate that is 0.47 on the 8480+."""
    across = float(solved(tenant(REMOTE_STREAMS, CORES_PER_SOCKET)).transmitted[1])
    own = float(solved(tenant(STREAMS, CORES_PER_SOCKET)).traffic[0])
    assert 0.30 < across / own < 0.60


def test_remote_streams_saturate_the_link_and_not_the_memory_behind_it() -> None:
    """MLC reads 0.82 to 0.83 of the links' nominal rate."""
    flows = solved(tenant(REMOTE_STREAMS, CORES_PER_SOCKET))
    assert 0.70 < flows.transmitted[1] / UPI_BYTES_PER_SECOND < 0.90
    assert flows.traffic[1] / DRAM_PEAK_BYTES_PER_SECOND < 0.80
    remote_ns = flows.latency_ns[0] - float(dram_latency_ns(flows.traffic)[1])
    assert remote_ns > 2.0 * UPI_HOP_NS


@pytest.mark.parametrize("threads", [2, 6, 12])
def test_remote_streams_hurt_those_whose_memory_is_remote_and_more_so_the_more_of_it_is(threads: int) -> None:
    streams = tenant(REMOTE_STREAMS, threads)
    losses = [slowdown(victim, streams) for victim in (LOCAL, HALF_REMOTE, REMOTE)]
    assert losses == sorted(losses)
    assert losses[2] - 1.0 > 2.0 * (losses[0] - 1.0)


def test_streams_through_the_other_sockets_memory_hurt_those_who_live_there() -> None:
    from_abroad = replace(tenant(REMOTE_STREAMS, 6), socket=1)
    assert slowdown(LOCAL, from_abroad) > slowdown(REMOTE, from_abroad) > 1.0


@given(st.floats(0.0, 2e11), st.floats(0.0, 2e11))
def test_a_hop_never_gets_shorter_with_traffic(first: float, second: float) -> None:
    hops = hop_ns(np.sort([first, second]))
    assert UPI_HOP_NS <= hops[0] <= hops[1] < np.inf
