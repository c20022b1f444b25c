"""Feature vector v1, the schema: thirty-one features over eight axes, in the order that every model sees.

Formulas, ranges and clock classes follow Intel's event descriptions (perfmon, Sapphire Rapids V1.39) and Yasin, "A
Top-Down method for performance analysis and counters architecture", ISPASS 2014. A fallback measures the same quantity
by other counters; where nothing else measures it, the feature is missing, since a model is trained to do without a
feature but not to have another one under its name. Frozen: an edit here is a new version beside
this one.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.axis import Axis
from contracts.canonical import digest
from contracts.clock import ClockClass, refuse_frequency
from contracts.errors import ContractError
from contracts.events import CONSTANTS
from contracts.formula import Node, evaluate, events_of, parse

CLAMP_TOLERANCE = 0.02
"""A reading outside its range by at most this share of the range is noise and is clamped; further out it is missing."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """One feature.

    Attributes:
        name: the column's name everywhere.
        axes: the contention axes it reveals, the main one first.
        unit: what its number means.
        minimum, maximum: the closed range of a plausible value, in ``unit``.
        formula: arithmetic over events summed over the domain, see ``contracts.formula``.
        fallbacks: formulas of the same quantity, tried in order where an event of the former is missing.
        clock: what the core clock does to it.

    Raises:
        FrequencyLeakError: formula or a fallback encodes a clock.
        ContractError: the name is no column's name, the range is empty, no axis is named or one twice, or an event is
            unknown.
    """

    name: str
    axes: tuple[Axis, ...]
    unit: str
    minimum: float
    maximum: float
    formula: str
    clock: ClockClass
    fallbacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ContractError(f"feature {self.name!r}: a name is lower case letters, digits and underscores")
        if not self.axes or len(set(self.axes)) != len(self.axes):
            raise ContractError(f"feature {self.name!r} names no axis, or one twice")
        if not -math.inf < self.minimum < self.maximum < math.inf:
            raise ContractError(f"feature {self.name!r} has the empty range [{self.minimum}, {self.maximum}]")
        refuse_frequency(self.formula, self.clock)
        for fallback in self.fallbacks:
            refuse_frequency(fallback, self.clock)

    @property
    def formulas(self) -> tuple[Node, ...]:
        """The formula and its fallbacks, parsed, in the order they are tried."""
        return tuple(parse(text) for text in (self.formula, *self.fallbacks))

    def value(self, counts: Mapping[str, float]) -> float:
        """The feature over one domain and window; NaN where it is missing, undefined or implausible.

        Args:
            counts: event name to scaled count over the window, summed over the domain. An event that could not be
                counted is absent or NaN.
        """
        for node in self.formulas:
            if all(not math.isnan(counts.get(name, math.nan)) for name in events_of(node)):
                return self._within_range(evaluate(node, counts))
        return math.nan

    def _within_range(self, value: float) -> float:
        slack = CLAMP_TOLERANCE * (self.maximum - self.minimum)
        if not self.minimum - slack <= value <= self.maximum + slack:
            return math.nan
        return min(max(value, self.minimum), self.maximum)


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """An ordered tuple of features and the digest that stands for it."""

    version: int
    features: tuple[FeatureSpec, ...]
    digest: str

    @classmethod
    def of(cls, version: int, features: tuple[FeatureSpec, ...]) -> "FeatureSchema":
        """Build a schema.

        Raises:
            ContractError: two features share a name.
        """
        names = [spec.name for spec in features]
        if len(set(names)) != len(names):
            raise ContractError("two features share a name")
        return cls(version, features, digest(canonical_form(version, features)))

    def __len__(self) -> int:
        return len(self.features)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in vector order."""
        return tuple(spec.name for spec in self.features)

    def index(self, name: str) -> int:
        """Where a feature stands in the vector.

        Raises:
            ContractError: the schema has no such feature.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise ContractError(
                f"feature vector v{self.version} has no feature {name!r}: it has {', '.join(self.names)}"
            ) from None

    @property
    def events(self) -> frozenset[str]:
        """Every event that a formula or a fallback reads."""
        return frozenset().union(*(events_of(node) for spec in self.features for node in spec.formulas))


def canonical_form(version: int, features: tuple[FeatureSpec, ...]) -> dict[str, object]:
    """What the digest covers: all that decides a value's meaning, in vector order."""
    return {
        "contract": "feature-vector",
        "version": version,
        "clampTolerance": CLAMP_TOLERANCE,
        "dtype": "float32",
        "constants": {name: quantity.value for name, quantity in CONSTANTS.items()},
        "features": [
            {
                "name": spec.name,
                "axes": [axis.value for axis in spec.axes],
                "unit": spec.unit,
                "minimum": spec.minimum,
                "maximum": spec.maximum,
                "formula": spec.formula,
                "fallbacks": list(spec.fallbacks),
                "clock": spec.clock.value,
            }
            for spec in features
        ],
    }


def _share(
    name: str,
    axes: tuple[Axis, ...],
    formula: str,
    clock: ClockClass = ClockClass.FREE,
    *fallbacks: str,
) -> FeatureSpec:
    """A feature between 0 and 1: a part over its whole."""
    return FeatureSpec(
        name=name,
        axes=axes,
        unit="share",
        minimum=0.0,
        maximum=1.0,
        formula=formula,
        clock=clock,
        fallbacks=fallbacks,
    )


_IO_WRITES = "(UNC_CHA_TOR_INSERTS.IO_ITOM + UNC_CHA_TOR_INSERTS.IO_ITOMCACHENEAR)"

FEATURE_SCHEMA_V1 = FeatureSchema.of(
    1,
    (
        _share(
            "l3_miss_ratio",
            (Axis.LLC,),
            "MEM_LOAD_RETIRED.L3_MISS / (MEM_LOAD_RETIRED.L3_HIT + MEM_LOAD_RETIRED.L3_MISS)",
        ),
        _share("l3_request_miss_ratio", (Axis.LLC,), "LONGEST_LAT_CACHE.MISS / LONGEST_LAT_CACHE.REFERENCE"),
        _share("cha_miss_ratio", (Axis.LLC,), "UNC_CHA_TOR_INSERTS.IA_MISS / UNC_CHA_TOR_INSERTS.IA"),
        _share(
            "llc_dirty_victim_ratio",
            (Axis.LLC,),
            "UNC_CHA_LLC_VICTIMS.TOTAL_M / (UNC_CHA_TOR_INSERTS.IA + UNC_CHA_TOR_INSERTS.IO)",
        ),
        _share("llc_occupancy_share", (Axis.LLC,), "RESCTRL.LLC_OCCUPANCY_BYTES / NODE.LLC_BYTES"),
        _share(
            "l3_miss_stall_share",
            (Axis.LLC, Axis.MEMBW),
            "MEMORY_ACTIVITY.STALLS_L3_MISS / MEMORY_ACTIVITY.STALLS_L1D_MISS",
            ClockClass.WEAK,
        ),
        _share(
            "l3_hit_stall_share",
            (Axis.LLC,),
            "(MEMORY_ACTIVITY.STALLS_L2_MISS - MEMORY_ACTIVITY.STALLS_L3_MISS) / MEMORY_ACTIVITY.STALLS_L1D_MISS",
            ClockClass.WEAK,
        ),
        _share(
            "dram_utilisation",
            (Axis.MEMBW,),
            "UNC_M_CAS_COUNT.ALL / (NODE.DRAM_PEAK_COMMANDS_PER_CLOCK * UNC_M_CLOCKTICKS)",
            ClockClass.FREE,
            "RESCTRL.MBM_LOCAL_BYTES / (NODE.DRAM_PEAK_BYTES_PER_SECOND * NODE.WINDOW_SECONDS)",
        ),
        _share("memory_write_share", (Axis.MEMBW,), "UNC_M_CAS_COUNT.WR / UNC_M_CAS_COUNT.ALL"),
        FeatureSpec(
            name="read_queue_delay",
            axes=(Axis.MEMBW,),
            unit="log(DRAM clocks)",
            minimum=0.0,
            maximum=10.0,
            formula="log(UNC_M_RPQ_OCCUPANCY_PCH0 / UNC_M_RPQ_INSERTS.PCH0)",
            clock=ClockClass.FREE,
        ),
        FeatureSpec(
            name="row_churn",
            axes=(Axis.MEMBW,),
            unit="precharges per column access",
            minimum=0.0,
            maximum=4.0,
            formula="UNC_M_PRE_COUNT.ALL / UNC_M_CAS_COUNT.ALL",
            clock=ClockClass.FREE,
        ),
        FeatureSpec(
            name="llc_miss_latency",
            axes=(Axis.MEMBW, Axis.UPI),
            unit="log(CHA clocks)",
            minimum=0.0,
            maximum=10.0,
            formula="log(UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD / UNC_CHA_TOR_INSERTS.IA_MISS_DRD)",
            clock=ClockClass.UNCORE,
        ),
        _share(
            "super_queue_full_share",
            (Axis.MEMBW,),
            "XQ.FULL_CYCLES / CPU_CLK_UNHALTED.THREAD",
            ClockClass.MOVES,
        ),
        _share(
            "memory_bound_share",
            (Axis.MEMBW, Axis.LLC),
            "PERF_METRICS.MEMORY_BOUND / TOPDOWN.SLOTS",
            ClockClass.MOVES,
            "TOPDOWN.MEMORY_BOUND_SLOTS / TOPDOWN.SLOTS_P",
        ),
        _share(
            "core_bound_share",
            (Axis.SMT,),
            "(PERF_METRICS.BACKEND_BOUND - PERF_METRICS.MEMORY_BOUND) / TOPDOWN.SLOTS",
            ClockClass.WEAK,
            "(TOPDOWN.BACKEND_BOUND_SLOTS - TOPDOWN.MEMORY_BOUND_SLOTS) / TOPDOWN.SLOTS_P",
        ),
        _share(
            "smt_overlap",
            (Axis.SMT,),
            "2 * (CPU_CLK_UNHALTED.THREAD - CPU_CLK_UNHALTED.DISTRIBUTED) / CPU_CLK_UNHALTED.THREAD",
            ClockClass.FREE,
            "2 * (CPU_CLK_UNHALTED.REF_DISTRIBUTED - CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE)"
            " / (2 * CPU_CLK_UNHALTED.REF_DISTRIBUTED - CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE)",
        ),
        _share(
            "fetch_latency_share",
            (Axis.FRONTEND,),
            "PERF_METRICS.FETCH_LATENCY / TOPDOWN.SLOTS",
            ClockClass.WEAK,
        ),
        _share(
            "icache_stall_share",
            (Axis.FRONTEND,),
            "ICACHE_DATA.STALLS / CPU_CLK_UNHALTED.THREAD",
            ClockClass.WEAK,
        ),
        _share(
            "code_l2_miss_ratio",
            (Axis.FRONTEND,),
            "L2_RQSTS.CODE_RD_MISS / L2_RQSTS.ALL_CODE_RD",
        ),
        _share(
            "branch_mispredict_share",
            (Axis.FRONTEND,),
            "PERF_METRICS.BRANCH_MISPREDICTS / TOPDOWN.SLOTS",
            ClockClass.WEAK,
            "TOPDOWN.BR_MISPREDICT_SLOTS / TOPDOWN.SLOTS_P",
        ),
        FeatureSpec(
            name="dtlb_walks",
            axes=(Axis.TLB,),
            unit="log1p(page walks per thousand instructions)",
            minimum=0.0,
            maximum=7.0,
            formula="log1p(1000 * DTLB_LOAD_MISSES.WALK_COMPLETED / INST_RETIRED.ANY)",
            clock=ClockClass.FREE,
        ),
        FeatureSpec(
            name="itlb_walks",
            axes=(Axis.TLB, Axis.FRONTEND),
            unit="log1p(page walks per thousand instructions)",
            minimum=0.0,
            maximum=7.0,
            formula="log1p(1000 * ITLB_MISSES.WALK_COMPLETED / INST_RETIRED.ANY)",
            clock=ClockClass.FREE,
        ),
        _share(
            "ddio_write_miss_ratio",
            (Axis.DDIO,),
            "(UNC_CHA_TOR_INSERTS.IO_MISS_ITOM + UNC_CHA_TOR_INSERTS.IO_MISS_ITOMCACHENEAR) / " + _IO_WRITES,
        ),
        _share(
            "ddio_read_miss_ratio",
            (Axis.DDIO,),
            "UNC_CHA_TOR_INSERTS.IO_MISS_PCIRDCUR / UNC_CHA_TOR_INSERTS.IO_PCIRDCUR",
        ),
        _share(
            "io_share",
            (Axis.DDIO,),
            "UNC_CHA_TOR_INSERTS.IO / (UNC_CHA_TOR_INSERTS.IO + UNC_CHA_TOR_INSERTS.IA)",
        ),
        _share(
            "io_bandwidth_share",
            (Axis.DDIO,),
            "BYTES_PER_DOUBLE_WORD"
            " * (UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS + UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS)"
            " / (NODE.DRAM_PEAK_BYTES_PER_SECOND * NODE.WINDOW_SECONDS)",
        ),
        _share(
            "remote_dram_share",
            (Axis.UPI,),
            "MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM"
            " / (MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM + MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM)",
            ClockClass.FREE,
            "UNC_CHA_TOR_INSERTS.IA_MISS_DRD_REMOTE"
            " / (UNC_CHA_TOR_INSERTS.IA_MISS_DRD_LOCAL + UNC_CHA_TOR_INSERTS.IA_MISS_DRD_REMOTE)",
            "(RESCTRL.MBM_TOTAL_BYTES - RESCTRL.MBM_LOCAL_BYTES) / RESCTRL.MBM_TOTAL_BYTES",
        ),
        _share(
            "upi_utilisation",
            (Axis.UPI,),
            "(UNC_UPI_TxL_FLITS.ALL_DATA + UNC_UPI_RxL_FLITS.ALL_DATA)"
            " / (2 * NODE.UPI_PEAK_FLITS_PER_CLOCK * UNC_UPI_CLOCKTICKS)",
        ),
        _share(
            "snoop_forward_share",
            (Axis.LOCK,),
            "MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD"
            " / (MEM_LOAD_L3_HIT_RETIRED.XSNP_MISS + MEM_LOAD_L3_HIT_RETIRED.XSNP_NO_FWD"
            " + MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD + MEM_LOAD_L3_HIT_RETIRED.XSNP_NONE)",
        ),
        _share(
            "hit_modified_share",
            (Axis.LOCK, Axis.UPI),
            "(MEM_LOAD_L3_MISS_RETIRED.REMOTE_HITM + MEM_LOAD_L3_MISS_RETIRED.REMOTE_FWD)"
            " / (MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM + MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM"
            " + MEM_LOAD_L3_MISS_RETIRED.REMOTE_HITM + MEM_LOAD_L3_MISS_RETIRED.REMOTE_FWD)",
        ),
        FeatureSpec(
            name="lock_loads",
            axes=(Axis.LOCK,),
            unit="log1p(locked loads per thousand instructions)",
            minimum=0.0,
            maximum=7.0,
            formula="log1p(1000 * MEM_INST_RETIRED.LOCK_LOADS / INST_RETIRED.ANY)",
            clock=ClockClass.FREE,
        ),
    ),
)
"""The schema that every vector of today is of."""
