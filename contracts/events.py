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
    CORE_CLOCK = "core clock"
    REFERENCE_CLOCK = "reference clock"
    UNCORE_CLOCK = "uncore clock"
    DRAM_CLOCK = "DRAM clock"
    LINK_CLOCK = "UPI clock"
    SECOND = "second"


CLOCKS = frozenset(
    {
        Base.CORE_CLOCK,
        Base.REFERENCE_CLOCK,
        Base.UNCORE_CLOCK,
        Base.DRAM_CLOCK,
        Base.LINK_CLOCK,
        Base.SECOND,
    }
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers, without the zero ones: ``count / core clock`` is ``((COUNT, 1), (CORE_CLOCK, -1))``."""

    powers: tuple[tuple[Base, int], ...] = ()

    @classmethod
    def of(cls, *bases: Base) -> "Unit":
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

    ``awaits_memory`` marks core-clock counters whose length is set by something slower than the core, in nanoseconds:
    a share made of them moves a little with the core clock although its unit cancels.
    """

    name: str
    pmu: Pmu
    unit: Unit
    awaits_memory: bool = False


def _events(pmu: Pmu, unit: Unit, names: str, *, awaits_memory: bool = False) -> tuple[Event, ...]:
    return tuple(Event(name, pmu, unit, awaits_memory) for name in names.split())


_COUNT = Unit.of(Base.COUNT)
_CORE_CLOCK = Unit.of(Base.CORE_CLOCK)
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
    *_events(
        Pmu.CORE,
        _CORE_CLOCK,
        """
        CPU_CLK_UNHALTED.THREAD CPU_CLK_UNHALTED.THREAD_P CPU_CLK_UNHALTED.DISTRIBUTED CPU_CLK_UNHALTED.C0_WAIT
        TOPDOWN.SLOTS TOPDOWN.SLOTS_P
        """,
    ),
    *_events(
        Pmu.CORE,
        _CORE_CLOCK,
        """
        PERF_METRICS.BACKEND_BOUND PERF_METRICS.MEMORY_BOUND PERF_METRICS.FETCH_LATENCY PERF_METRICS.BRANCH_MISPREDICTS
        TOPDOWN.BACKEND_BOUND_SLOTS TOPDOWN.MEMORY_BOUND_SLOTS TOPDOWN.BR_MISPREDICT_SLOTS
        MEMORY_ACTIVITY.STALLS_L1D_MISS MEMORY_ACTIVITY.STALLS_L2_MISS MEMORY_ACTIVITY.STALLS_L3_MISS
        XQ.FULL_CYCLES ICACHE_DATA.STALLS
        """,
        awaits_memory=True,
    ),
    *_events(
        Pmu.CORE,
        Unit.of(Base.REFERENCE_CLOCK),
        """
        CPU_CLK_UNHALTED.REF_TSC CPU_CLK_UNHALTED.REF_TSC_P
        CPU_CLK_UNHALTED.REF_DISTRIBUTED CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE
        """,
    ),
    *_events(
        Pmu.CORE,
        Unit.of(Base.CORE_CLOCK, Base.COUNT),
        "OFFCORE_REQUESTS_OUTSTANDING.DATA_RD OFFCORE_REQUESTS_OUTSTANDING.DEMAND_DATA_RD L1D_PEND_MISS.PENDING",
        awaits_memory=True,
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
        _BYTE,
        "UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS",
    ),
    *_events(
        Pmu.RESCTRL,
        _BYTE,
        "RESCTRL.LLC_OCCUPANCY_BYTES RESCTRL.MBM_TOTAL_BYTES RESCTRL.MBM_LOCAL_BYTES",
    ),
    *_events(Pmu.NODE, _BYTE, "NODE.LLC_BYTES"),
    *_events(Pmu.NODE, Unit.of(Base.SECOND), "NODE.WINDOW_SECONDS"),
    *_events(Pmu.NODE, _BYTE / Unit.of(Base.SECOND), "NODE.DRAM_PEAK_BYTES_PER_SECOND"),
    *_events(
        Pmu.NODE,
        Unit.of(Base.DRAM_COMMAND) / Unit.of(Base.DRAM_CLOCK),
        "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK",
    ),
    *_events(
        Pmu.NODE,
        Unit.of(Base.FLIT) / Unit.of(Base.LINK_CLOCK),
        "NODE.UPI_PEAK_FLITS_PER_CLOCK",
    ),
    # Known so that the guard can name them when it refuses them.
    *_events(Pmu.MSR, _CORE_CLOCK, "MSR.APERF"),
    *_events(Pmu.MSR, Unit.of(Base.REFERENCE_CLOCK), "MSR.MPERF MSR.TSC"),
    *_events(Pmu.NODE, _CORE_CLOCK / Unit.of(Base.SECOND), "NODE.CORE_GHZ NODE.SCALING_CUR_FREQ"),
    *_events(Pmu.NODE, Unit.of(Base.UNCORE_CLOCK) / Unit.of(Base.SECOND), "NODE.UNCORE_GHZ"),
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
