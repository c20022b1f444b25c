"""Stressors: processes that the campaign runs to press one axis, as hard as it is told.

Each is what a tool on a real node does as well: ``docs/campaigns.md`` has the command lines.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contracts.axis import AXES, Axis
from eval.testbed.behaviour import Behaviour, Code, CoreBaseline, Pages, Sharing
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import DDIO_BYTES, KIBIBYTE, LLC_BYTES, MEBIBYTE, STLB_ENTRIES

_QUIET_CORE = CoreBaseline(core_bound=0.05, fetch_latency=0.005, mispredicted=0.002)
_LOOP = Code(hot_bytes=1.0 * KIBIBYTE, fetched_lines=0.2, beyond_l2=0.0, walks=0.001)
_FEW_PAGES = Pages(hot=32.0, lookups=0.5)


def _llc(intensity: float) -> Behaviour:
    """Dependent loads at random within a share of the cache: hits as long as nobody takes it away."""
    return Behaviour(
        compute_ns=60.0,
        llc_accesses=40.0,
        footprint_bytes=1.5 * max(intensity, 0.02) * LLC_BYTES,
        prefetched=0.0,
        compulsory=0.02,
        hit_exposed=0.25,
        miss_exposed=0.15,
        written=0.3,
        remote=0.0,
        port_demand=0.3,
        core=_QUIET_CORE,
        code=_LOOP,
        pages=_FEW_PAGES,
    )


def _streams(*, remote: float) -> Behaviour:
    """Streams through arrays that no cache holds; some twenty lines are in flight a core, as on saturated machines."""
    return Behaviour(
        compute_ns=40.0,
        llc_accesses=60.0,
        footprint_bytes=2048.0 * MEBIBYTE,
        prefetched=0.9,
        compulsory=1.0,
        retained=0.005,
        hit_exposed=0.06,
        miss_exposed=0.06,
        written=0.35,
        remote=remote,
        row_missed=0.12,
        port_demand=0.3,
        core=_QUIET_CORE,
        code=_LOOP,
        pages=_FEW_PAGES,
    )


def _membw(_: float) -> Behaviour:
    """Streams through the socket's own memory."""
    return _streams(remote=0.0)


def _smt(_: float) -> Behaviour:
    """Arithmetic on all ports, within the L1."""
    return Behaviour(
        compute_ns=90.0,
        llc_accesses=0.05,
        footprint_bytes=0.1 * MEBIBYTE,
        port_demand=0.9,
        partition_cost=0.05,
        l2_footprint=0.15,
        core=CoreBaseline(core_bound=0.35, fetch_latency=0.005, mispredicted=0.002),
        code=_LOOP,
        pages=_FEW_PAGES,
    )


def _frontend(_: float) -> Behaviour:
    """Jumps from line to line of a megabyte of code: the L1I has hardly any of it, the ports have little to do."""
    return Behaviour(
        compute_ns=260.0,
        llc_accesses=0.5,
        footprint_bytes=0.5 * MEBIBYTE,
        port_demand=0.15,
        partition_cost=0.05,
        l2_footprint=0.5,
        core=CoreBaseline(core_bound=0.03, fetch_latency=0.15, mispredicted=0.03),
        code=Code(hot_bytes=1024.0 * KIBIBYTE, fetched_lines=160.0, steepness=1.0, beyond_l2=0.02, walks=2.0),
        pages=_FEW_PAGES,
    )


def _tlb(_: float) -> Behaviour:
    """One load in each of more small pages than any translation is kept for."""
    return Behaviour(
        compute_ns=120.0,
        llc_accesses=4.0,
        footprint_bytes=2.0 * MEBIBYTE,
        prefetched=0.0,
        port_demand=0.15,
        partition_cost=0.05,
        l2_footprint=0.5,
        core=_QUIET_CORE,
        code=_LOOP,
        pages=Pages(hot=16.0 * STLB_ENTRIES, lookups=90.0),
    )


def _ddio(intensity: float) -> Behaviour:
    """A traffic generator's packets, received into rings that outgrow the ways of the devices, and sent on unread."""
    return Behaviour(
        compute_ns=280.0,
        llc_accesses=4.0,
        footprint_bytes=1.0 * MEBIBYTE,
        hit_exposed=0.2,
        miss_exposed=0.2,
        remote=0.0,
        row_missed=0.3,
        port_demand=0.4,
        received_lines=60.0,
        sent_lines=60.0,
        packet_reads=3.0,
        ring_bytes=max(6.0 * intensity, 0.05) * DDIO_BYTES,
        core=_QUIET_CORE,
        code=Code(hot_bytes=12.0 * KIBIBYTE, fetched_lines=4.0, beyond_l2=0.0),
        pages=_FEW_PAGES,
    )


def _upi(_: float) -> Behaviour:
    """Streams through the other socket's memory."""
    return _streams(remote=1.0)


def _lock(_: float) -> Behaviour:
    """Locked additions to lines that its threads share, some of them across two lines, so that the bus is locked."""
    return Behaviour(
        compute_ns=300.0,
        llc_accesses=2.0,
        footprint_bytes=0.5 * MEBIBYTE,
        port_demand=0.2,
        core=_QUIET_CORE,
        code=_LOOP,
        pages=_FEW_PAGES,
        sharing=Sharing(lock_loads=120.0, transfers=30.0, modified_abroad=0.3, bus_locks=1.5),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a stressor is run.

    Attributes:
        behaviour: by intensity.
        load: share of time that it works at full intensity.
        cores: of its own; 0 where it runs on the second threads of everybody's.
    """

    behaviour: Callable[[float], Behaviour]
    load: float
    cores: int


_KINDS: Mapping[Axis, _Kind] = {
    Axis.LLC: _Kind(behaviour=_llc, load=1.0, cores=2),
    Axis.MEMBW: _Kind(behaviour=_membw, load=0.62, cores=10),
    Axis.SMT: _Kind(behaviour=_smt, load=1.0, cores=0),
    Axis.FRONTEND: _Kind(behaviour=_frontend, load=1.0, cores=0),
    Axis.TLB: _Kind(behaviour=_tlb, load=1.0, cores=0),
    Axis.DDIO: _Kind(behaviour=_ddio, load=0.9, cores=3),
    Axis.UPI: _Kind(behaviour=_upi, load=0.85, cores=8),
    Axis.LOCK: _Kind(behaviour=_lock, load=0.6, cores=2),
}

PRESSED_AXES: tuple[Axis, ...] = tuple(axis for axis in AXES if axis in _KINDS)
"""The axes that a stressor exists for; no other axis is ever claimed to be pressed by one."""

SIBLING_AXES: tuple[Axis, ...] = tuple(axis for axis in PRESSED_AXES if not _KINDS[axis].cores)
"""Of these, those that only a sibling thread presses: they need SMT, and a domain has room for one such stressor."""

_LEAST_LOAD = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Stressor:
    """A stressor at one intensity.

    Attributes:
        axis: what it presses, one of ``PRESSED_AXES``.
        intensity: share of what it can ask for, 0 to 1.

    Raises:
        TestbedError: there is no stressor of that axis, or the intensity lies outside 0 to 1.
    """

    axis: Axis
    intensity: float

    def __post_init__(self) -> None:
        if self.axis not in _KINDS:
            raise TestbedError(f"no stressor presses {self.axis}: there are {', '.join(PRESSED_AXES)}")
        if not 0.0 <= self.intensity <= 1.0:
            raise TestbedError(f"the {self.axis} stressor's intensity is {self.intensity}: 0 to 1 is meant")

    @property
    def name(self) -> str:
        """Its profile's key: axis and intensity in hundredths.

        >>> Stressor(axis=Axis.LLC, intensity=0.5).name
        'stressor-llc-050'
        """
        return f"stressor-{self.axis}-{round(100 * self.intensity):03d}"

    @property
    def behaviour(self) -> Behaviour:
        """What it does to the hardware."""
        return _KINDS[self.axis].behaviour(self.intensity)

    @property
    def load(self) -> float:
        """The share of time that it works with the hardware idle."""
        return max(_KINDS[self.axis].load * self.intensity, _LEAST_LOAD)

    @property
    def exclusive_cores(self) -> int:
        """Cores of its own; 0 for one that runs on the second threads of everybody's."""
        return _KINDS[self.axis].cores
