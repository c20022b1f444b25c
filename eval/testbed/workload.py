"""Twelve workloads in ten groups: what a 5G core and its edge run, and two that are no network functions.

The figures are invented, each plausible for its kind: packet processing takes hundreds of nanoseconds and tens of cache
lines a packet, signalling functions are bound by the front end and by latency, transcoders compute, batch jobs read
more than any cache holds. Groups of two are variants of one function: whoever holds out a group holds out both.
"""

from dataclasses import dataclass

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Behaviour, CoreBaseline
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One workload of the testbed.

    Attributes:
        name: its profile's key.
        group: what is held out together with it.
        indicator: what it is judged by.
        exclusive_cores: how many workers it has, each on a core (or on a thread, where the node hands out threads).
        polls: whether its workers spin when there is nothing to do.
        load: offered load over what it could do with an idle memory system; ``None`` where it always has more to do.
        places: how many requests fit into a worker's queue.
        request_kinstructions: thousand instructions a request, the unit of its indicator.
        behaviour: what it does to the hardware.
    """

    name: str
    group: str
    indicator: IndicatorKind
    exclusive_cores: int
    polls: bool
    load: float | None
    behaviour: Behaviour
    places: int = 24
    request_kinstructions: float = 2.0


_UPF_CORE = CoreBaseline(core_bound=0.16, dtlb_walks=0.05, snoop_forwarded=0.02, lock_loads=0.1)
_SIGNALLING_CORE = CoreBaseline(
    mispredicted=0.06,
    fetch_latency=0.18,
    icache_stalled=0.12,
    core_bound=0.06,
    l2_stalled=0.10,
    dtlb_walks=1.2,
    itlb_walks=0.5,
    code_reads=22.0,
    code_missed=0.22,
    lock_loads=2.5,
    snoop_forwarded=0.10,
    modified_elsewhere=0.04,
)

WORKLOADS: tuple[Workload, ...] = (
    Workload(
        name="upf-large",
        group="upf",
        indicator=IndicatorKind.LATENCY_P99,
        exclusive_cores=4,
        polls=True,
        load=0.3,
        behaviour=Behaviour(
            compute_ns=190.0,
            llc_accesses=9.0,
            footprint_bytes=13.0 * MEBIBYTE,
            steepness=1.4,
            compulsory=0.04,
            miss_exposed=0.30,
            hit_exposed=0.25,
            port_demand=0.55,
            partition_cost=0.10,
            received_lines=2.0,
            sent_lines=2.0,
            packet_reads=1.2,
            ring_bytes=3.0 * MEBIBYTE,
            core=_UPF_CORE,
        ),
    ),
    Workload(
        name="upf-small",
        group="upf",
        indicator=IndicatorKind.LATENCY_P99,
        exclusive_cores=2,
        polls=True,
        load=0.34,
        behaviour=Behaviour(
            compute_ns=185.0,
            llc_accesses=8.0,
            footprint_bytes=4.0 * MEBIBYTE,
            steepness=1.4,
            compulsory=0.04,
            miss_exposed=0.30,
            hit_exposed=0.25,
            port_demand=0.55,
            partition_cost=0.10,
            received_lines=2.0,
            sent_lines=2.0,
            packet_reads=1.2,
            ring_bytes=1.5 * MEBIBYTE,
            core=_UPF_CORE,
        ),
    ),
    Workload(
        name="firewall",
        group="firewall",
        indicator=IndicatorKind.THROUGHPUT,
        exclusive_cores=2,
        polls=True,
        load=0.94,
        behaviour=Behaviour(
            compute_ns=210.0,
            llc_accesses=6.0,
            footprint_bytes=7.0 * MEBIBYTE,
            steepness=0.7,
            compulsory=0.05,
            miss_exposed=0.6,
            hit_exposed=0.35,
            port_demand=0.60,
            partition_cost=0.15,
            received_lines=3.0,
            sent_lines=2.8,
            packet_reads=1.0,
            ring_bytes=1.0 * MEBIBYTE,
            core=CoreBaseline(core_bound=0.14, mispredicted=0.05, dtlb_walks=0.1, lock_loads=0.2),
        ),
    ),
    Workload(
        name="router",
        group="router",
        indicator=IndicatorKind.THROUGHPUT,
        exclusive_cores=3,
        polls=True,
        load=0.92,
        behaviour=Behaviour(
            compute_ns=150.0,
            llc_accesses=11.0,
            footprint_bytes=11.0 * MEBIBYTE,
            steepness=0.45,
            compulsory=0.06,
            miss_exposed=0.42,
            hit_exposed=0.20,
            port_demand=0.45,
            partition_cost=0.05,
            received_lines=5.0,
            sent_lines=5.0,
            packet_reads=2.0,
            ring_bytes=2.0 * MEBIBYTE,
            core=CoreBaseline(core_bound=0.12, dtlb_walks=0.4, lock_loads=0.05),
        ),
    ),
    Workload(
        name="dpi",
        group="dpi",
        indicator=IndicatorKind.THROUGHPUT,
        exclusive_cores=3,
        polls=True,
        load=0.92,
        behaviour=Behaviour(
            compute_ns=290.0,
            llc_accesses=5.0,
            footprint_bytes=7.0 * MEBIBYTE,
            steepness=2.5,
            compulsory=0.03,
            miss_exposed=0.50,
            hit_exposed=0.35,
            port_demand=0.75,
            partition_cost=0.12,
            received_lines=4.0,
            sent_lines=3.5,
            packet_reads=3.0,
            ring_bytes=1.5 * MEBIBYTE,
            core=CoreBaseline(core_bound=0.20, mispredicted=0.07, dtlb_walks=0.6, code_reads=7.0),
        ),
    ),
    Workload(
        name="dpi-deep",
        group="dpi",
        indicator=IndicatorKind.LATENCY_P99,
        exclusive_cores=4,
        polls=False,
        load=0.28,
        request_kinstructions=9.0,
        behaviour=Behaviour(
            compute_ns=300.0,
            llc_accesses=7.0,
            footprint_bytes=12.0 * MEBIBYTE,
            steepness=2.5,
            compulsory=0.03,
            miss_exposed=0.38,
            hit_exposed=0.35,
            port_demand=0.75,
            partition_cost=0.12,
            received_lines=4.0,
            sent_lines=0.5,
            packet_reads=3.0,
            ring_bytes=1.5 * MEBIBYTE,
            core=CoreBaseline(core_bound=0.20, mispredicted=0.07, dtlb_walks=0.9, code_reads=8.0),
        ),
    ),
    Workload(
        name="cdn-cache",
        group="cdn",
        indicator=IndicatorKind.THROUGHPUT,
        exclusive_cores=3,
        polls=False,
        load=0.93,
        request_kinstructions=60.0,
        behaviour=Behaviour(
            compute_ns=230.0,
            llc_accesses=16.0,
            footprint_bytes=60.0 * MEBIBYTE,
            steepness=0.6,
            compulsory=0.15,
            retained=0.5,
            prefetched=0.65,
            miss_exposed=0.16,
            hit_exposed=0.12,
            written=0.45,
            remote=0.12,
            row_missed=0.25,
            port_demand=0.40,
            partition_cost=0.08,
            received_lines=1.0,
            sent_lines=7.0,
            packet_reads=0.3,
            ring_bytes=1.0 * MEBIBYTE,
            core=CoreBaseline(fetch_latency=0.10, icache_stalled=0.06, dtlb_walks=1.5, code_reads=9.0, lock_loads=1.2),
        ),
    ),
    Workload(
        name="amf",
        group="amf",
        indicator=IndicatorKind.LATENCY_P99,
        exclusive_cores=2,
        polls=False,
        load=0.33,
        request_kinstructions=400.0,
        behaviour=Behaviour(
            compute_ns=340.0,
            llc_accesses=6.0,
            footprint_bytes=3.0 * MEBIBYTE,
            steepness=0.8,
            compulsory=0.08,
            miss_exposed=0.5,
            hit_exposed=0.45,
            remote=0.08,
            port_demand=0.45,
            partition_cost=0.28,
            l2_footprint=0.7,
            received_lines=0.3,
            sent_lines=0.3,
            packet_reads=0.2,
            ring_bytes=0.5 * MEBIBYTE,
            core=_SIGNALLING_CORE,
        ),
    ),
    Workload(
        name="smf",
        group="smf",
        indicator=IndicatorKind.LATENCY_P99,
        exclusive_cores=2,
        polls=False,
        load=0.25,
        request_kinstructions=600.0,
        behaviour=Behaviour(
            compute_ns=330.0,
            llc_accesses=5.0,
            footprint_bytes=6.0 * MEBIBYTE,
            steepness=0.5,
            compulsory=0.10,
            miss_exposed=0.35,
            hit_exposed=0.40,
            remote=0.06,
            port_demand=0.40,
            partition_cost=0.12,
            l2_footprint=0.7,
            received_lines=0.3,
            sent_lines=0.3,
            packet_reads=0.2,
            ring_bytes=0.5 * MEBIBYTE,
            core=_SIGNALLING_CORE,
        ),
    ),
    Workload(
        name="udr",
        group="udr",
        indicator=IndicatorKind.LATENCY_P99,
        exclusive_cores=3,
        polls=False,
        load=0.3,
        request_kinstructions=80.0,
        behaviour=Behaviour(
            compute_ns=220.0,
            llc_accesses=14.0,
            footprint_bytes=60.0 * MEBIBYTE,
            steepness=0.35,
            compulsory=0.20,
            prefetched=0.05,
            miss_exposed=0.3,
            hit_exposed=0.30,
            written=0.2,
            remote=0.15,
            row_missed=0.8,
            port_demand=0.35,
            partition_cost=0.08,
            received_lines=0.4,
            sent_lines=0.6,
            packet_reads=0.3,
            ring_bytes=0.5 * MEBIBYTE,
            core=CoreBaseline(
                dtlb_walks=6.0,
                lock_loads=6.0,
                snoop_forwarded=0.25,
                modified_elsewhere=0.10,
                fetch_latency=0.10,
                code_reads=9.0,
                code_missed=0.15,
            ),
        ),
    ),
    Workload(
        name="transcoder",
        group="transcoder",
        indicator=IndicatorKind.THROUGHPUT,
        exclusive_cores=4,
        polls=False,
        load=None,
        request_kinstructions=4000.0,
        behaviour=Behaviour(
            compute_ns=165.0,
            llc_accesses=2.5,
            footprint_bytes=3.5 * MEBIBYTE,
            steepness=0.9,
            compulsory=0.15,
            prefetched=0.7,
            miss_exposed=0.20,
            hit_exposed=0.15,
            port_demand=0.90,
            partition_cost=0.05,
            core=CoreBaseline(core_bound=0.30, dtlb_walks=0.15, mispredicted=0.03),
        ),
    ),
    Workload(
        name="batch",
        group="batch",
        indicator=IndicatorKind.THROUGHPUT,
        exclusive_cores=4,
        polls=False,
        load=None,
        request_kinstructions=20000.0,
        behaviour=Behaviour(
            compute_ns=180.0,
            llc_accesses=20.0,
            footprint_bytes=60.0 * MEBIBYTE,
            steepness=0.5,
            compulsory=0.22,
            retained=0.6,
            prefetched=0.6,
            miss_exposed=0.13,
            hit_exposed=0.10,
            written=0.4,
            remote=0.05,
            row_missed=0.3,
            port_demand=0.55,
            partition_cost=0.10,
            core=CoreBaseline(core_bound=0.15, dtlb_walks=2.5),
        ),
    ),
)


def workload(name: str) -> Workload:
    """Look a workload up.

    Raises:
        TestbedError: there is none of that name; says which exist.
    """
    for known in WORKLOADS:
        if known.name == name:
            return known
    raise TestbedError(f"no workload is called {name!r}: there are {', '.join(known.name for known in WORKLOADS)}")
