"""The counters that a feature may be made of, and the unit that each one counts in.

Core and uncore names are Intel's own (perfmon, Sapphire Rapids V1.39); ``PERF_METRICS.*`` are the top-down metrics as
perf scales them, in slots. ``RESCTRL.*`` are the kernel's monitoring files summed over a domain, ``NODE.*`` are
ceilings and sizes of the node itself. How an event is encoded is the node agent's matter; its unit is the contract's,
because the frequency guard reasons on units.
"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.errors import ContractError


class Base(StrEnum):
    """What a counter counts. Every unit is a product of powers of these."""

    COUNT = "count"
    DRAM_COMMAND = "DRAM command"
    FLIT = "flit"
    BYTE = "byte"
    DOUBLE_WORD = "double word"
    CORE_CLOCK = "core clock"
    SLOT = "pipeline slot"
    REFERENCE_CLOCK = "reference clock"
    CRYSTAL_CLOCK = "crystal clock"
    UNCORE_CLOCK = "uncore clock"
    DRAM_CLOCK = "DRAM clock"
    LINK_CLOCK = "UPI clock"
    SECOND = "second"


CORE_CLOCKS = frozenset({Base.CORE_CLOCK, Base.SLOT, Base.REFERENCE_CLOCK, Base.CRYSTAL_CLOCK})
"""Clocks that a core counts. A slot is a sixth of a core clock; reference and crystal clock stand still while the core
clock moves, so that either one set against it is the frequency."""

CLOCKS = CORE_CLOCKS | {Base.UNCORE_CLOCK, Base.DRAM_CLOCK, Base.LINK_CLOCK, Base.SECOND}
"""Everything that ticks."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers, without the zero ones: ``count / core clock`` is ``((COUNT, 1), (CORE_CLOCK, -1))``."""

    powers: tuple[tuple[Base, int], ...] = ()

    @classmethod
    def of(cls, *bases: Base) -> "Unit":
        """The product of ``bases``.

        >>> str(Unit.of(Base.BYTE) / Unit.of(Base.SECOND))
        'byte second^-1'
        """
        unit = cls()
        for base in bases:
            unit = unit * cls(((base, 1),))
        return unit

    def _combined(self, other: "Unit", sign: int) -> "Unit":
        powers = dict(self.powers)
        for base, power in other.powers:
            powers[base] = powers.get(base, 0) + sign * power
        return Unit(tuple(sorted((base, power) for base, power in powers.items() if power)))

    def __mul__(self, other: "Unit") -> "Unit":
        return self._combined(other, 1)

    def __truediv__(self, other: "Unit") -> "Unit":
        return self._combined(other, -1)

    def __str__(self) -> str:
        if not self.powers:
            return "1"
        return " ".join(base.value if power == 1 else f"{base.value}^{power}" for base, power in self.powers)

    @property
    def clocks(self) -> frozenset[Base]:
        """The clocks in it, whatever their power."""
        return frozenset(base for base, _ in self.powers) & CLOCKS


DIMENSIONLESS = Unit()


class Pmu(StrEnum):
    """Who counts."""

    CORE = "core"
    CHA = "cha"
    IMC = "imc"
    UPI = "upi"
    IIO = "iio"
    RESCTRL = "resctrl"
    NODE = "node"
    MSR = "msr"


@dataclass(frozen=True, slots=True)
class Event:
    """One counter.

    ``moves_with_clock`` marks counters of core time whose length is set, wholly or in part, by something that takes a
    constant time (memory, a timed pause), and those that share the pipeline's slots with such: a share made of them
    moves a little with the core clock although its unit cancels. ``gauge`` marks what does not grow with the window: a
    level, or a ceiling of the node.
    """

    name: str
    pmu: Pmu
    unit: Unit
    moves_with_clock: bool = False
    gauge: bool = False


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit that formulas may name."""

    value: float
    unit: Unit


CONSTANTS: dict[str, Quantity] = {
    "BYTES_PER_DOUBLE_WORD": Quantity(4.0, Unit.of(Base.BYTE) / Unit.of(Base.DOUBLE_WORD)),
}


def _events(
    pmu: Pmu, unit: Unit, names: str, *, moves_with_clock: bool = False, gauge: bool = False
) -> tuple[Event, ...]:
    return tuple(Event(name, pmu, unit, moves_with_clock, gauge) for name in names.split())


_COUNT = Unit.of(Base.COUNT)
_CORE_CLOCK = Unit.of(Base.CORE_CLOCK)
_SLOT = Unit.of(Base.SLOT)
_BYTE = Unit.of(Base.BYTE)

_ALL_EVENTS: tuple[Event, ...] = (
    *_events(
        Pmu.CORE,
        _COUNT,
        """
        INST_RETIRED.ANY
        MEM_LOAD_RETIRED.L3_HIT MEM_LOAD_RETIRED.L3_MISS
        LONGEST_LAT_CACHE.REFERENCE LONGEST_LAT_CACHE.MISS
        L2_RQSTS.ALL_CODE_RD L2_RQSTS.CODE_RD_MISS
        DTLB_LOAD_MISSES.WALK_COMPLETED ITLB_MISSES.WALK_COMPLETED
        MEM_LOAD_L3_HIT_RETIRED.XSNP_MISS MEM_LOAD_L3_HIT_RETIRED.XSNP_NO_FWD
        MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD MEM_LOAD_L3_HIT_RETIRED.XSNP_NONE
        MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM
        MEM_LOAD_L3_MISS_RETIRED.REMOTE_HITM MEM_LOAD_L3_MISS_RETIRED.REMOTE_FWD
        MEM_INST_RETIRED.LOCK_LOADS
        OFFCORE_REQUESTS.DATA_RD OFFCORE_REQUESTS.DEMAND_DATA_RD
        """,
    ),
    # A slot that retired is a micro-operation: it counts work, and over slots it would be instructions per clock.
    *_events(Pmu.CORE, _COUNT, "PERF_METRICS.RETIRING PERF_METRICS.HEAVY_OPERATIONS"),
    *_events(
        Pmu.CORE,
        _CORE_CLOCK,
        "CPU_CLK_UNHALTED.THREAD CPU_CLK_UNHALTED.THREAD_P CPU_CLK_UNHALTED.DISTRIBUTED",
    ),
    *_events(
        Pmu.CORE,
        _CORE_CLOCK,
        """
        CPU_CLK_UNHALTED.C0_WAIT XQ.FULL_CYCLES ICACHE_DATA.STALLS
        MEMORY_ACTIVITY.STALLS_L1D_MISS MEMORY_ACTIVITY.STALLS_L2_MISS MEMORY_ACTIVITY.STALLS_L3_MISS
        """,
        moves_with_clock=True,
    ),
    *_events(Pmu.CORE, _SLOT, "TOPDOWN.SLOTS TOPDOWN.SLOTS_P"),
    *_events(
        Pmu.CORE,
        _SLOT,
        """
        PERF_METRICS.BACKEND_BOUND PERF_METRICS.MEMORY_BOUND PERF_METRICS.FETCH_LATENCY PERF_METRICS.BRANCH_MISPREDICTS
        TOPDOWN.BACKEND_BOUND_SLOTS TOPDOWN.MEMORY_BOUND_SLOTS TOPDOWN.BR_MISPREDICT_SLOTS
        """,
        moves_with_clock=True,
    ),
    *_events(Pmu.CORE, Unit.of(Base.REFERENCE_CLOCK), "CPU_CLK_UNHALTED.REF_TSC CPU_CLK_UNHALTED.REF_TSC_P"),
    *_events(
        Pmu.CORE,
        Unit.of(Base.CRYSTAL_CLOCK),
        "CPU_CLK_UNHALTED.REF_DISTRIBUTED CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE",
    ),
    *_events(
        Pmu.CORE,
        Unit.of(Base.CORE_CLOCK, Base.COUNT),
        "OFFCORE_REQUESTS_OUTSTANDING.DATA_RD OFFCORE_REQUESTS_OUTSTANDING.DEMAND_DATA_RD L1D_PEND_MISS.PENDING",
        moves_with_clock=True,
    ),
    *_events(
        Pmu.CHA,
        _COUNT,
        """
        UNC_CHA_TOR_INSERTS.IA UNC_CHA_TOR_INSERTS.IA_MISS UNC_CHA_TOR_INSERTS.IA_MISS_DRD
        UNC_CHA_TOR_INSERTS.IA_MISS_DRD_LOCAL UNC_CHA_TOR_INSERTS.IA_MISS_DRD_REMOTE
        UNC_CHA_TOR_INSERTS.IO
        UNC_CHA_TOR_INSERTS.IO_ITOM UNC_CHA_TOR_INSERTS.IO_MISS_ITOM
        UNC_CHA_TOR_INSERTS.IO_ITOMCACHENEAR UNC_CHA_TOR_INSERTS.IO_MISS_ITOMCACHENEAR
        UNC_CHA_TOR_INSERTS.IO_PCIRDCUR UNC_CHA_TOR_INSERTS.IO_MISS_PCIRDCUR
        UNC_CHA_LLC_VICTIMS.TOTAL_M
        """,
    ),
    *_events(Pmu.CHA, Unit.of(Base.UNCORE_CLOCK, Base.COUNT), "UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD"),
    *_events(Pmu.CHA, Unit.of(Base.UNCORE_CLOCK), "UNC_CHA_CLOCKTICKS"),
    *_events(
        Pmu.IMC,
        Unit.of(Base.DRAM_COMMAND),
        "UNC_M_CAS_COUNT.RD UNC_M_CAS_COUNT.WR UNC_M_CAS_COUNT.ALL UNC_M_PRE_COUNT.ALL",
    ),
    *_events(Pmu.IMC, _COUNT, "UNC_M_RPQ_INSERTS.PCH0"),
    *_events(Pmu.IMC, Unit.of(Base.DRAM_CLOCK, Base.COUNT), "UNC_M_RPQ_OCCUPANCY_PCH0"),
    *_events(Pmu.IMC, Unit.of(Base.DRAM_CLOCK), "UNC_M_CLOCKTICKS"),
    *_events(Pmu.UPI, Unit.of(Base.FLIT), "UNC_UPI_TxL_FLITS.ALL_DATA UNC_UPI_RxL_FLITS.ALL_DATA"),
    *_events(Pmu.UPI, Unit.of(Base.LINK_CLOCK), "UNC_UPI_CLOCKTICKS"),
    *_events(
        Pmu.IIO,
        Unit.of(Base.DOUBLE_WORD),
        "UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS",
    ),
    *_events(Pmu.RESCTRL, _BYTE, "RESCTRL.LLC_OCCUPANCY_BYTES", gauge=True),
    *_events(Pmu.RESCTRL, _BYTE, "RESCTRL.MBM_TOTAL_BYTES RESCTRL.MBM_LOCAL_BYTES"),
    *_events(Pmu.NODE, _BYTE, "NODE.LLC_BYTES", gauge=True),
    *_events(Pmu.NODE, Unit.of(Base.SECOND), "NODE.WINDOW_SECONDS"),
    *_events(Pmu.NODE, _BYTE / Unit.of(Base.SECOND), "NODE.DRAM_PEAK_BYTES_PER_SECOND", gauge=True),
    *_events(
        Pmu.NODE,
        Unit.of(Base.DRAM_COMMAND) / Unit.of(Base.DRAM_CLOCK),
        "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK",
        gauge=True,
    ),
    *_events(
        Pmu.NODE,
        Unit.of(Base.FLIT) / Unit.of(Base.LINK_CLOCK),
        "NODE.UPI_PEAK_FLITS_PER_CLOCK",
        gauge=True,
    ),
    # Known so that the guard can name them when it refuses them.
    *_events(Pmu.MSR, _CORE_CLOCK, "MSR.APERF"),
    *_events(Pmu.MSR, Unit.of(Base.REFERENCE_CLOCK), "MSR.MPERF MSR.TSC"),
    *_events(Pmu.NODE, _CORE_CLOCK / Unit.of(Base.SECOND), "NODE.CORE_GHZ NODE.SCALING_CUR_FREQ", gauge=True),
    *_events(Pmu.NODE, Unit.of(Base.UNCORE_CLOCK) / Unit.of(Base.SECOND), "NODE.UNCORE_GHZ", gauge=True),
)

EVENTS: dict[str, Event] = {event.name: event for event in _ALL_EVENTS}


def event(name: str) -> Event:
    """Look an event up by its vendor name.

    Raises:
        ContractError: the contract has no unit for it, so nothing lawful can be said of a formula that uses it.
    """
    try:
        return EVENTS[name]
    except KeyError:
        raise ContractError(
            f"event {name!r} has no unit in contracts/events.py: add it there with its unit before a formula uses it"
        ) from None
