"""Every feature against counts made by hand, and the rules that hold for all of them."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import AXES, Axis
from contracts.clock import ClockClass
from contracts.errors import ContractError, FrequencyLeakError
from contracts.events import EVENTS, Pmu
from contracts.features import CLAMP_TOLERANCE, FEATURE_SCHEMA_V1, FeatureSchema, FeatureSpec
from contracts.formula import events_of, parse

Counts = Mapping[str, float]

BY_HAND: dict[str, tuple[Counts, float]] = {
    "l3_miss_ratio": ({"MEM_LOAD_RETIRED.L3_HIT": 300, "MEM_LOAD_RETIRED.L3_MISS": 100}, 0.25),
    "l3_request_miss_ratio": ({"LONGEST_LAT_CACHE.MISS": 30, "LONGEST_LAT_CACHE.REFERENCE": 120}, 0.25),
    "cha_miss_ratio": ({"UNC_CHA_TOR_INSERTS.IA_MISS": 60, "UNC_CHA_TOR_INSERTS.IA": 80}, 0.75),
    "llc_dirty_victim_ratio": (
        {"UNC_CHA_LLC_VICTIMS.TOTAL_M": 40, "UNC_CHA_TOR_INSERTS.IA": 60, "UNC_CHA_TOR_INSERTS.IO": 40},
        0.4,
    ),
    "llc_occupancy_share": ({"RESCTRL.LLC_OCCUPANCY_BYTES": 30e6, "NODE.LLC_BYTES": 120e6}, 0.25),
    "l3_miss_stall_share": (
        {"MEMORY_ACTIVITY.STALLS_L3_MISS": 20, "MEMORY_ACTIVITY.STALLS_L1D_MISS": 80},
        0.25,
    ),
    "l3_hit_stall_share": (
        {
            "MEMORY_ACTIVITY.STALLS_L1D_MISS": 80,
            "MEMORY_ACTIVITY.STALLS_L2_MISS": 60,
            "MEMORY_ACTIVITY.STALLS_L3_MISS": 20,
        },
        0.5,
    ),
    "dram_utilisation": (
        {"UNC_M_CAS_COUNT.ALL": 100, "UNC_M_CLOCKTICKS": 800, "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK": 0.25},
        0.5,
    ),
    "memory_write_share": ({"UNC_M_CAS_COUNT.WR": 30, "UNC_M_CAS_COUNT.ALL": 100}, 0.3),
    "read_queue_delay": (
        {"UNC_M_RPQ_OCCUPANCY_PCH0": 1000 * math.e**3, "UNC_M_RPQ_INSERTS.PCH0": 1000},
        3.0,
    ),
    "row_churn": ({"UNC_M_PRE_COUNT.ALL": 120, "UNC_M_CAS_COUNT.ALL": 80}, 1.5),
    "llc_miss_latency": (
        {"UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD": 1000 * math.e**5, "UNC_CHA_TOR_INSERTS.IA_MISS_DRD": 1000},
        5.0,
    ),
    "super_queue_full_share": ({"XQ.FULL_CYCLES": 10, "CPU_CLK_UNHALTED.THREAD": 100}, 0.1),
    "memory_bound_share": ({"PERF_METRICS.MEMORY_BOUND": 150, "TOPDOWN.SLOTS": 600}, 0.25),
    "core_bound_share": (
        {"PERF_METRICS.BACKEND_BOUND": 240, "PERF_METRICS.MEMORY_BOUND": 150, "TOPDOWN.SLOTS": 600},
        0.15,
    ),
    # Two threads, both awake for 60 clocks, then each alone for 20: 160 clocks, 120 of them shared.
    "smt_overlap": ({"CPU_CLK_UNHALTED.THREAD": 160, "CPU_CLK_UNHALTED.DISTRIBUTED": 100}, 0.75),
    "fetch_latency_share": ({"PERF_METRICS.FETCH_LATENCY": 60, "TOPDOWN.SLOTS": 600}, 0.1),
    "icache_stall_share": ({"ICACHE_DATA.STALLS": 20, "CPU_CLK_UNHALTED.THREAD": 100}, 0.2),
    "code_l2_miss_ratio": ({"L2_RQSTS.CODE_RD_MISS": 7, "L2_RQSTS.ALL_CODE_RD": 28}, 0.25),
    "branch_mispredict_share": ({"PERF_METRICS.BRANCH_MISPREDICTS": 30, "TOPDOWN.SLOTS": 600}, 0.05),
    "dtlb_walks": (
        {"DTLB_LOAD_MISSES.WALK_COMPLETED": 5, "INST_RETIRED.ANY": 1000},
        math.log(6.0),
    ),
    "itlb_walks": ({"ITLB_MISSES.WALK_COMPLETED": 2, "INST_RETIRED.ANY": 1000}, math.log(3.0)),
    "ddio_write_miss_ratio": (
        {
            "UNC_CHA_TOR_INSERTS.IO_ITOM": 60,
            "UNC_CHA_TOR_INSERTS.IO_MISS_ITOM": 20,
            "UNC_CHA_TOR_INSERTS.IO_ITOMCACHENEAR": 20,
            "UNC_CHA_TOR_INSERTS.IO_MISS_ITOMCACHENEAR": 4,
        },
        0.3,
    ),
    "ddio_read_miss_ratio": (
        {"UNC_CHA_TOR_INSERTS.IO_MISS_PCIRDCUR": 9, "UNC_CHA_TOR_INSERTS.IO_PCIRDCUR": 10},
        0.9,
    ),
    "io_share": ({"UNC_CHA_TOR_INSERTS.IO": 25, "UNC_CHA_TOR_INSERTS.IA": 75}, 0.25),
    # A hundred gigabit each way for ten seconds: 12.5e9 B/s are 3.125e9 counts of four bytes.
    "io_bandwidth_share": (
        {
            "UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS": 31.25e9,
            "UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS": 31.25e9,
            "NODE.DRAM_PEAK_BYTES_PER_SECOND": 250e9,
            "NODE.WINDOW_SECONDS": 10.0,
        },
        0.1,
    ),
    "remote_dram_share": (
        {"MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM": 10, "MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM": 90},
        0.1,
    ),
    "upi_utilisation": (
        {
            "UNC_UPI_TxL_FLITS.ALL_DATA": 100,
            "UNC_UPI_RxL_FLITS.ALL_DATA": 200,
            "UNC_UPI_CLOCKTICKS": 200,
            "NODE.UPI_PEAK_FLITS_PER_CLOCK": 3.0,
        },
        0.25,
    ),
    "snoop_forward_share": (
        {
            "MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD": 10,
            "MEM_LOAD_L3_HIT_RETIRED.XSNP_MISS": 20,
            "MEM_LOAD_L3_HIT_RETIRED.XSNP_NO_FWD": 30,
            "MEM_LOAD_L3_HIT_RETIRED.XSNP_NONE": 40,
        },
        0.1,
    ),
    "hit_modified_share": (
        {
            "MEM_LOAD_L3_MISS_RETIRED.REMOTE_HITM": 10,
            "MEM_LOAD_L3_MISS_RETIRED.REMOTE_FWD": 5,
            "MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM": 25,
            "MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM": 10,
        },
        0.3,
    ),
    "lock_loads": ({"MEM_INST_RETIRED.LOCK_LOADS": 4, "INST_RETIRED.ANY": 2000}, math.log(3.0)),
}

BY_HAND_FALLBACK: dict[tuple[str, int], tuple[Counts, float]] = {
    # 30.72 GB/s of 307.2 for a tenth of a second.
    ("dram_utilisation", 0): (
        {
            "RESCTRL.MBM_LOCAL_BYTES": 3.072e9,
            "NODE.DRAM_PEAK_BYTES_PER_SECOND": 307.2e9,
            "NODE.WINDOW_SECONDS": 0.1,
        },
        0.1,
    ),
    ("memory_bound_share", 0): ({"TOPDOWN.MEMORY_BOUND_SLOTS": 150, "TOPDOWN.SLOTS_P": 600}, 0.25),
    ("core_bound_share", 0): (
        {"TOPDOWN.BACKEND_BOUND_SLOTS": 240, "TOPDOWN.MEMORY_BOUND_SLOTS": 150, "TOPDOWN.SLOTS_P": 600},
        0.15,
    ),
    # The same two threads in crystal clocks: 100 in all, 40 of them alone.
    ("smt_overlap", 0): (
        {"CPU_CLK_UNHALTED.REF_DISTRIBUTED": 100, "CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE": 40},
        0.75,
    ),
    ("branch_mispredict_share", 0): ({"TOPDOWN.BR_MISPREDICT_SLOTS": 30, "TOPDOWN.SLOTS_P": 600}, 0.05),
    ("remote_dram_share", 0): (
        {"UNC_CHA_TOR_INSERTS.IA_MISS_DRD_REMOTE": 20, "UNC_CHA_TOR_INSERTS.IA_MISS_DRD_LOCAL": 80},
        0.2,
    ),
    ("remote_dram_share", 1): ({"RESCTRL.MBM_TOTAL_BYTES": 100e9, "RESCTRL.MBM_LOCAL_BYTES": 70e9}, 0.3),
}

FALLBACKS = [(spec.name, index) for spec in FEATURE_SCHEMA_V1.features for index in range(len(spec.fallbacks))]


def spec_of(name: str) -> FeatureSpec:
    return FEATURE_SCHEMA_V1.features[FEATURE_SCHEMA_V1.index(name)]


def share(formula: str, **changes: object) -> FeatureSpec:
    settings: dict[str, object] = {
        "name": "share",
        "axes": (Axis.LLC,),
        "unit": "share",
        "minimum": 0.0,
        "maximum": 1.0,
        "clock": ClockClass.FREE,
    }
    return FeatureSpec(formula=formula, **{**settings, **changes})  # type: ignore[arg-type]


def test_every_formula_is_worked_out_by_hand() -> None:
    assert list(BY_HAND) == list(FEATURE_SCHEMA_V1.names)
    assert list(BY_HAND_FALLBACK) == FALLBACKS


@pytest.mark.parametrize("name", FEATURE_SCHEMA_V1.names)
def test_a_feature_is_what_its_formula_says(name: str) -> None:
    counts, value = BY_HAND[name]
    assert counts.keys() == events_of(parse(spec_of(name).formula))
    assert spec_of(name).value(counts) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("name", "index"), FALLBACKS)
def test_a_fallback_is_used_where_an_event_is_missing(name: str, index: int) -> None:
    counts, value = BY_HAND_FALLBACK[name, index]
    assert counts.keys() == events_of(parse(spec_of(name).fallbacks[index]))
    assert spec_of(name).value(counts) == pytest.approx(value, rel=1e-12)
    known = dict(BY_HAND[name][0])
    known.pop(next(event for event in known if not event.startswith("NODE.")))
    assert spec_of(name).value({**known, **counts}) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("name", "index"), FALLBACKS)
def test_the_formula_goes_before_its_fallback(name: str, index: int) -> None:
    counts = {**BY_HAND_FALLBACK[name, index][0], **BY_HAND[name][0]}
    assert spec_of(name).value(counts) == pytest.approx(BY_HAND[name][1], rel=1e-12)


@pytest.mark.parametrize("name", FEATURE_SCHEMA_V1.names)
@pytest.mark.parametrize("lost", ["absent", "NaN"])
def test_a_feature_without_one_of_its_events_is_missing_and_never_zero(name: str, lost: str) -> None:
    counts = BY_HAND[name][0]
    for event in counts:
        rest = {other: count for other, count in counts.items() if other != event}
        value = spec_of(name).value(rest if lost == "absent" else {**rest, event: math.nan})
        assert math.isnan(value), event


def test_an_implausible_value_is_missing_even_with_a_fallback_at_hand() -> None:
    """A misread counter is no missing event: the other formula would hide it."""
    counts = {"PERF_METRICS.MEMORY_BOUND": 900.0, "TOPDOWN.SLOTS": 600.0}
    counts |= {"TOPDOWN.MEMORY_BOUND_SLOTS": 1.0, "TOPDOWN.SLOTS_P": 10.0}
    assert math.isnan(spec_of("memory_bound_share").value(counts))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-0.02, 0.0), (-0.0201, math.nan), (0.0, 0.0), (1.0, 1.0), (1.0199, 1.0), (1.0201, math.nan), (50.0, math.nan)],
)
def test_noise_at_the_edge_is_clamped_and_what_lies_further_out_is_missing(value: float, expected: float) -> None:
    spec = share("(MEM_LOAD_RETIRED.L3_HIT - MEM_LOAD_RETIRED.L3_MISS) / INST_RETIRED.ANY")
    counts = {"MEM_LOAD_RETIRED.L3_HIT": 1e6 * (1 + value), "MEM_LOAD_RETIRED.L3_MISS": 1e6, "INST_RETIRED.ANY": 1e6}
    assert spec.value(counts) == pytest.approx(expected, nan_ok=True)


def test_the_clamp_is_a_share_of_the_range() -> None:
    spec = share("MEM_LOAD_RETIRED.L3_HIT / INST_RETIRED.ANY", minimum=0.0, maximum=10.0)
    slack = CLAMP_TOLERANCE * 10.0
    assert spec.value({"MEM_LOAD_RETIRED.L3_HIT": 10.0 + 0.9 * slack, "INST_RETIRED.ANY": 1.0}) == 10.0
    assert math.isnan(spec.value({"MEM_LOAD_RETIRED.L3_HIT": 10.0 + 1.1 * slack, "INST_RETIRED.ANY": 1.0}))


@pytest.mark.parametrize("name", FEATURE_SCHEMA_V1.names)
def test_an_idle_domain_has_no_quotient_and_no_zero(name: str) -> None:
    """Nothing counted is nothing known: 0 / 0 is missing, unless a ceiling of the node divides."""
    counts = {event: count if event.startswith("NODE.") else 0.0 for event, count in BY_HAND[name][0].items()}
    value = spec_of(name).value(counts)
    if name in {"llc_occupancy_share", "io_bandwidth_share"}:
        assert value == 0.0
    else:
        assert math.isnan(value)


@given(st.dictionaries(st.sampled_from(sorted(FEATURE_SCHEMA_V1.events)), st.floats(0.0, 1e18) | st.just(math.nan)))
def test_a_value_is_within_its_range_or_missing(counts: dict[str, float]) -> None:
    for spec in FEATURE_SCHEMA_V1.features:
        value = spec.value(counts)
        assert math.isnan(value) or spec.minimum <= value <= spec.maximum


# --- What holds for the schema as a whole. ---


def test_it_has_as_many_features_as_were_asked_for() -> None:
    assert 24 <= len(FEATURE_SCHEMA_V1) <= 32


def _pmus(axis: Axis) -> set[Pmu]:
    formulas = [node for spec in FEATURE_SCHEMA_V1.features if axis in spec.axes for node in spec.formulas]
    return {EVENTS[name].pmu for node in formulas for name in events_of(node)} - {Pmu.NODE}


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_is_seen_by_two_features(axis: Axis) -> None:
    assert sum(axis in spec.axes for spec in FEATURE_SCHEMA_V1.features) >= 2
    assert any(axis is spec.axes[0] for spec in FEATURE_SCHEMA_V1.features)


def test_which_axes_survive_the_loss_of_a_pmu() -> None:
    """What a virtual machine (no uncore, no resctrl) or a node with isolated cores (no core events) still tells."""
    without_uncore = {axis for axis in AXES if Pmu.CORE in _pmus(axis)}
    without_core = {axis for axis in AXES if _pmus(axis) - {Pmu.CORE}}
    assert without_uncore == set(AXES) - {Axis.DDIO}
    assert without_core == {Axis.LLC, Axis.MEMBW, Axis.DDIO, Axis.UPI}
    assert _pmus(Axis.LLC) == {Pmu.CORE, Pmu.CHA, Pmu.RESCTRL}
    assert _pmus(Axis.MEMBW) == {Pmu.CORE, Pmu.CHA, Pmu.IMC, Pmu.RESCTRL}
    assert _pmus(Axis.DDIO) == {Pmu.CHA, Pmu.IIO}
    assert _pmus(Axis.UPI) == {Pmu.CORE, Pmu.CHA, Pmu.UPI, Pmu.RESCTRL}


def test_no_formula_stands_under_two_names() -> None:
    texts = [text for spec in FEATURE_SCHEMA_V1.features for text in (spec.formula, *spec.fallbacks)]
    assert len(set(texts)) == len(texts)


def test_bounds_are_exact_in_float32_and_in_six_decimals() -> None:
    for spec in FEATURE_SCHEMA_V1.features:
        for bound in (spec.minimum, spec.maximum):
            assert bound == round(bound, 6) == float(int(bound))


def test_looking_a_feature_up() -> None:
    assert FEATURE_SCHEMA_V1.names[FEATURE_SCHEMA_V1.index("row_churn")] == "row_churn"
    with pytest.raises(ContractError, match="feature vector v1 has no feature 'ipc': it has l3_miss_ratio"):
        FEATURE_SCHEMA_V1.index("ipc")


# --- What a specification refuses. ---

MISS_RATIO = "LONGEST_LAT_CACHE.MISS / LONGEST_LAT_CACHE.REFERENCE"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Share"}, "a name is lower case"),
        ({"name": ""}, "a name is lower case"),
        ({"axes": ()}, "names no axis"),
        ({"axes": (Axis.LLC, Axis.LLC)}, "names no axis, or one twice"),
        ({"minimum": 1.0}, "empty range"),
        ({"minimum": math.nan}, "empty range"),
        ({"maximum": math.inf}, "empty range"),
        ({"clock": ClockClass.WEAK}, "clock class"),
    ],
)
def test_a_specification_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        share(MISS_RATIO, **changes)


def test_a_leak_is_refused_when_the_specification_is_made() -> None:
    with pytest.raises(FrequencyLeakError):
        share("INST_RETIRED.ANY / CPU_CLK_UNHALTED.THREAD")


def test_two_features_of_one_name_make_no_schema() -> None:
    with pytest.raises(ContractError, match="share a name"):
        FeatureSchema.of(2, (share(MISS_RATIO), share(MISS_RATIO)))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"axes": (Axis.LLC, Axis.MEMBW)},
        {"unit": "ratio"},
        {"minimum": -1.0},
        {"maximum": 2.0},
        {"fallbacks": ("MEM_LOAD_RETIRED.L3_MISS / MEM_LOAD_RETIRED.L3_HIT",)},
    ],
)
def test_whatever_decides_a_meaning_changes_the_digest(changes: dict[str, object]) -> None:
    before = FeatureSchema.of(2, (share(MISS_RATIO),)).digest
    assert FeatureSchema.of(2, (share(MISS_RATIO, **changes),)).digest != before
    assert FeatureSchema.of(3, (share(MISS_RATIO),)).digest != before


def test_order_is_part_of_the_schema() -> None:
    left, right = share(MISS_RATIO), share(MISS_RATIO, name="other")
    assert FeatureSchema.of(2, (left, right)).digest != FeatureSchema.of(2, (right, left)).digest
