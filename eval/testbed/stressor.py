"""Stressors: processes that the campaign runs to press one axis, as hard as it is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contracts.axis import Axis
from eval.testbed.behaviour import Behaviour, CoreBaseline
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import LLC_BYTES, MEBIBYTE

_QUIET_CORE = CoreBaseline(
    core_bound=0.05, fetch_latency=0.01, icache_stalled=0.005, mispredicted=0.002, code_reads=0.2
)


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
    )


def _membw(_: float) -> Behaviour:
    """Streams through arrays that no cache holds, with the super queue nearly full."""
    return Behaviour(
        compute_ns=40.0,
        llc_accesses=60.0,
        footprint_bytes=2048.0 * MEBIBYTE,
        prefetched=0.9,
        compulsory=1.0,
        retained=0.03,
        hit_exposed=0.025,
        miss_exposed=0.025,
        written=0.35,
        remote=0.0,
        row_missed=0.12,
        port_demand=0.3,
        core=_QUIET_CORE,
    )


def _smt(_: float) -> Behaviour:
    """Arithmetic on all ports, within the L1."""
    return Behaviour(
        compute_ns=90.0,
        llc_accesses=0.05,
        footprint_bytes=0.1 * MEBIBYTE,
        port_demand=0.9,
        partition_cost=0.05,
        l2_footprint=0.15,
        core=CoreBaseline(
            core_bound=0.35, fetch_latency=0.01, icache_stalled=0.005, mispredicted=0.002, code_reads=0.2
        ),
    )


_BEHAVIOURS: Mapping[Axis, Callable[[float], Behaviour]] = {Axis.LLC: _llc, Axis.MEMBW: _membw, Axis.SMT: _smt}
_LOADS: Mapping[Axis, float] = {Axis.LLC: 1.0, Axis.MEMBW: 0.62, Axis.SMT: 1.0}
_CORES: Mapping[Axis, int] = {Axis.LLC: 2, Axis.MEMBW: 4, Axis.SMT: 0}

PRESSED_AXES: tuple[Axis, ...] = tuple(_BEHAVIOURS)
"""The axes that a stressor exists for; no other axis is ever claimed to be pressed by one."""

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
        if self.axis not in _BEHAVIOURS:
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
        return _BEHAVIOURS[self.axis](self.intensity)

    @property
    def load(self) -> float:
        """The share of time that it works with the hardware idle."""
        return max(_LOADS[self.axis] * self.intensity, _LEAST_LOAD)

    @property
    def exclusive_cores(self) -> int:
        """Cores of its own; 0 for the one that runs on the second threads of everybody's."""
        return _CORES[self.axis]
