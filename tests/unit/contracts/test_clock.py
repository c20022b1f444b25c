"""The frequency guard: what it lets pass, and every way around it that we could think of."""

import math
from collections.abc import Callable, Mapping

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from contracts.clock import ClockClass, refuse_frequency
from contracts.errors import ContractError, FrequencyLeakError
from contracts.events import EVENTS, Base, Event, Pmu
from contracts.features import FEATURE_SCHEMA_V1, FeatureSpec
from contracts.formula import Logarithm, evaluate, events_of, parse

THREAD, REF, SLOTS = "CPU_CLK_UNHALTED.THREAD", "CPU_CLK_UNHALTED.REF_TSC", "TOPDOWN.SLOTS"
INST, L3_MISS = "INST_RETIRED.ANY", "MEM_LOAD_RETIRED.L3_MISS"
TOR_OCCUPANCY, TOR_INSERTS = "UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD", "UNC_CHA_TOR_INSERTS.IA_MISS_DRD"
RPQ_OCCUPANCY, RPQ_INSERTS = "UNC_M_RPQ_OCCUPANCY_PCH0", "UNC_M_RPQ_INSERTS.PCH0"
CHA, DCLK, CAS = "UNC_CHA_CLOCKTICKS", "UNC_M_CLOCKTICKS", "UNC_M_CAS_COUNT.ALL"
FLITS, UPI = "UNC_UPI_TxL_FLITS.ALL_DATA", "UNC_UPI_CLOCKTICKS"
SECONDS, PEAK = "NODE.WINDOW_SECONDS", "NODE.DRAM_PEAK_BYTES_PER_SECOND"
CAS_PEAK, FLIT_PEAK = "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK", "NODE.UPI_PEAK_FLITS_PER_CLOCK"

LEAKS: dict[str, tuple[str, str]] = {
    "gigahertz": ("NODE.CORE_GHZ", "a frequency"),
    "gigahertz over a constant": ("NODE.CORE_GHZ / 3.8", "a frequency"),
    "gigahertz over gigahertz": ("NODE.CORE_GHZ / NODE.UNCORE_GHZ", "a frequency"),
    "cpufreq's file": ("NODE.SCALING_CUR_FREQ", "a frequency"),
    "cycles per second": (f"{THREAD} / {SECONDS}", "core clock against second"),
    "uncore clocks per second": (f"{CHA} / {SECONDS}", "uncore clock"),
    "a ceiling that is a clock rate": (f"{THREAD} / (NODE.CORE_GHZ * {SECONDS})", "a frequency"),
    "an uncore ceiling that is a clock rate": (f"{CHA} / (NODE.UNCORE_GHZ * {SECONDS})", "a frequency"),
    "aperf over mperf": ("MSR.APERF / MSR.MPERF", "core clock against reference clock"),
    "thread over reference": (f"{THREAD} / {REF}", "core clock against reference clock"),
    "reference over thread": (f"{REF} / {THREAD}", "core clock against reference clock"),
    "thread over time stamp": (f"{THREAD} / MSR.TSC", "core clock against reference clock"),
    "thread over reference, by programmable counters": (
        "CPU_CLK_UNHALTED.THREAD_P / CPU_CLK_UNHALTED.REF_TSC_P",
        "core clock against reference clock",
    ),
    "distributed over reference distributed": (
        "CPU_CLK_UNHALTED.DISTRIBUTED / CPU_CLK_UNHALTED.REF_DISTRIBUTED",
        "core clock against crystal clock",
    ),
    "one thread active over thread": (f"CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE / {THREAD}", "core clock against crystal"),
    "slots over reference": (f"{SLOTS} / {REF}", "pipeline slot against reference clock"),
    "crystal over reference": ("CPU_CLK_UNHALTED.REF_DISTRIBUTED / MSR.TSC", "crystal clock against reference clock"),
    "a ratio hidden in a product": (f"({INST} * {THREAD}) / ({INST} * {REF})", "core clock against reference clock"),
    "a ratio hidden in two quotients": (f"({THREAD} / {INST}) * ({INST} / {REF})", "core clock against reference"),
    "a ratio squared": (f"{THREAD} * {THREAD} / ({REF} * {REF})", "core clock against reference clock"),
    "a ratio beside its inverse": (f"{THREAD} / {REF} + {REF} / {THREAD}", "core clock against reference clock"),
    "a ratio in a difference": (f"({THREAD} - {REF}) / {THREAD}", "core clock against reference clock"),
    "a ratio in a logarithm": (f"log({THREAD} / {REF})", "core clock against reference clock"),
    "a ratio as a difference of logarithms": (f"log({THREAD}) - log({REF})", "core clock against reference clock"),
    "a ratio behind a lawful share": (
        f"XQ.FULL_CYCLES / {THREAD} * ({THREAD} / {REF})",
        "core clock against reference clock",
    ),
    "core over uncore clock": (f"{THREAD} / {CHA}", "core clock against uncore clock"),
    "uncore over DRAM clock": (f"{CHA} / {DCLK}", "uncore clock"),
    "UPI over uncore clock": (f"{UPI} / {CHA}", "UPI clock"),
    "instructions per cycle": (f"{INST} / {THREAD}", "core clocks against other things"),
    "cycles per instruction": (f"{THREAD} / {INST}", "core clocks against other things"),
    "log of cycles per instruction": (f"log({THREAD} / {INST})", "core clocks against other things"),
    "log1p of instructions per cycle": (f"log1p({INST} / {THREAD})", "core clocks against other things"),
    "instructions per slot": (f"{INST} / {SLOTS}", "pipeline slots against other things"),
    "retired slots per slot": (f"PERF_METRICS.RETIRING / {SLOTS}", "pipeline slots against other things"),
    "instructions per reference cycle": (f"{INST} / {REF}", "reference clocks against other things"),
    "instructions per second": (f"{INST} / {SECONDS}", "a rate of work follows the clock"),
    "instructions per uncore clock": (f"{INST} / {CHA}", "a rate of work follows the clock"),
    "misses per DRAM clock": (f"{L3_MISS} / {DCLK}", "a rate of work follows the clock"),
    "queue arrivals per DRAM clock": (f"{RPQ_INSERTS} / {DCLK}", "a rate of work follows the clock"),
    "requests per uncore clock": (f"{TOR_INSERTS} / {CHA}", "a rate of work follows the clock"),
    "offcore latency": (
        "OFFCORE_REQUESTS_OUTSTANDING.DATA_RD / OFFCORE_REQUESTS.DATA_RD",
        "core clocks against other things",
    ),
    "log of the offcore latency": (
        "log(OFFCORE_REQUESTS_OUTSTANDING.DEMAND_DATA_RD / OFFCORE_REQUESTS.DEMAND_DATA_RD)",
        "core clocks against other things",
    ),
    "miss latency": (f"L1D_PEND_MISS.PENDING / {L3_MISS}", "core clocks against other things"),
    "outstanding requests per cycle": (f"L1D_PEND_MISS.PENDING / {THREAD}", "core clocks against other things"),
    "latency over the window's cycles": (
        f"L1D_PEND_MISS.PENDING / ({L3_MISS} * {THREAD})",
        "core clocks against other things",
    ),
    "stalls per miss": (f"MEMORY_ACTIVITY.STALLS_L3_MISS / {L3_MISS}", "core clocks against other things"),
    "stalls over slots": (f"MEMORY_ACTIVITY.STALLS_L3_MISS / {SLOTS}", "core clock against pipeline slot"),
    "a wait in uncore clocks, bare": (f"{TOR_OCCUPANCY} / {TOR_INSERTS}", "left with the unit [uncore clock]"),
    "a wait with another PMU's arrivals": (f"log({TOR_OCCUPANCY} / {INST})", "sets cha against core"),
    "a wait with another queue's arrivals": (f"log({TOR_OCCUPANCY} / {RPQ_INSERTS})", "sets cha against imc"),
    "a ratio of two waits": (
        f"({TOR_OCCUPANCY} / {TOR_INSERTS}) / ({RPQ_OCCUPANCY} / {RPQ_INSERTS})",
        "DRAM clock against uncore clock",
    ),
    "a difference of two logarithms of waits": (
        f"log({TOR_OCCUPANCY} / {TOR_INSERTS}) - log({RPQ_OCCUPANCY} / {RPQ_INSERTS})",
        "DRAM clock against uncore clock",
    ),
    "a logarithm of a wait in a sum": (
        f"log({TOR_OCCUPANCY} / {TOR_INSERTS}) + UNC_CHA_TOR_INSERTS.IA_MISS / UNC_CHA_TOR_INSERTS.IA",
        "logarithm of [uncore clock]",
    ),
    "log1p of a wait": (f"log1p({RPQ_OCCUPANCY} / {RPQ_INSERTS})", "logarithm of [DRAM clock]"),
    "a wait against its clock": (f"{TOR_OCCUPANCY} / ({TOR_INSERTS} * {CHA})", "a rate of work follows the clock"),
    "an occupancy per clock": (f"{RPQ_OCCUPANCY} / {DCLK}", "a rate of work follows the clock"),
    "logarithm of a clock": (f"log({CHA})", "logarithm of [uncore clock]"),
    "logarithm of the core clock": (f"log({THREAD})", "logarithm of [core clock]"),
    "logarithm of a product": (f"log({THREAD} * {SLOTS})", "core clock against pipeline slot"),
    "DRAM commands per reference clock": (f"{CAS} / ({CAS_PEAK} * {REF})", "DRAM clock"),
    "DRAM commands per DRAM clock, no ceiling": (f"{CAS} / {DCLK}", "left with the unit"),
    "DRAM commands per second": (f"{CAS} / ({CAS_PEAK} * {SECONDS})", "DRAM clock against second"),
    "flits per core clock": (f"{FLITS} / ({FLIT_PEAK} * {THREAD})", "UPI clock"),
    "flits per UPI clock, no ceiling": (f"{FLITS} / {UPI}", "left with the unit"),
    "bytes per second, no ceiling": (f"RESCTRL.MBM_TOTAL_BYTES / {SECONDS}", "left with the unit"),
    "bytes per second by a number": (f"RESCTRL.MBM_TOTAL_BYTES / (3.0 * {SECONDS})", "left with the unit"),
    "bytes per core clock": (f"RESCTRL.MBM_TOTAL_BYTES / {THREAD}", "core clocks against other things"),
    "four bytes taken for one": (
        f"UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS / ({PEAK} * {SECONDS})",
        "left with the unit",
    ),
    "instructions per packet": (f"{INST} / UNC_CHA_TOR_INSERTS.IO", "sets cha against core"),
    "instructions per DRAM command": (f"log1p({INST} / {CAS})", "core against imc"),
    "counts per window": (INST, "left with the unit [count]"),
    "log of counts per window": (f"log({INST})", "logarithm of [count]"),
    "a sum that would hide a unit": (f"1 + {INST}", "adds [1] to [count]"),
    "a clock times zero": (f"0 * {REF} + {THREAD} / {THREAD}", "core clock against reference clock"),
}


@pytest.mark.parametrize("kind", LEAKS)
@pytest.mark.parametrize("declared", ClockClass)
def test_a_formula_that_encodes_a_clock_is_refused(kind: str, declared: ClockClass) -> None:
    formula, message = LEAKS[kind]
    with pytest.raises(FrequencyLeakError) as refusal:
        refuse_frequency(formula, declared)
    assert message in str(refusal.value)
    assert repr(formula) in str(refusal.value)


@pytest.mark.parametrize("kind", LEAKS)
def test_it_is_refused_behind_a_fallback_too(kind: str) -> None:
    with pytest.raises(FrequencyLeakError):
        FeatureSpec(
            name="innocent",
            axes=(Axis.SMT,),
            unit="share",
            minimum=0.0,
            maximum=1.0,
            formula=f"CPU_CLK_UNHALTED.DISTRIBUTED / {THREAD}",
            fallbacks=(f"CPU_CLK_UNHALTED.DISTRIBUTED / {THREAD}", LEAKS[kind][0]),
            clock=ClockClass.FREE,
        )


NOTHING_SAID: dict[str, tuple[str, str]] = {
    "x over x": (f"{L3_MISS} / {L3_MISS}", "cancels out"),
    "x minus x": (f"({L3_MISS} - {L3_MISS}) / {INST}", "cancels out"),
    "a clock over itself": (f"{THREAD} / {THREAD}", "cancels out"),
    "a factor above and below": (
        f"({L3_MISS} * {INST}) / (MEM_LOAD_RETIRED.L3_HIT * {INST})",
        "does not depend on INST_RETIRED.ANY",
    ),
    "times zero": (f"0 * {L3_MISS} / {INST}", "cancels out"),
    "a ratio of clocks over itself": (f"log(({L3_MISS} / {INST}) / ({L3_MISS} / {INST}))", "cancels out"),
    "a number": ("0.5", "reads no counter"),
    "a logarithm of a number": ("log1p(3)", "reads no counter"),
    "ceilings": (f"NODE.LLC_BYTES / ({PEAK} * {SECONDS})", "reads no counter"),
    "a level over a flow": ("RESCTRL.LLC_OCCUPANCY_BYTES / RESCTRL.MBM_TOTAL_BYTES", "length of the window"),
    "a flow over a size": ("RESCTRL.MBM_TOTAL_BYTES / NODE.LLC_BYTES", "length of the window"),
    "an event without a unit": ("CPU_CLK_UNHALTED.C01 / CPU_CLK_UNHALTED.THREAD", "has no unit"),
}


@pytest.mark.parametrize("kind", NOTHING_SAID)
def test_a_formula_that_measures_nothing_is_refused(kind: str) -> None:
    formula, message = NOTHING_SAID[kind]
    with pytest.raises(ContractError, match=message):
        refuse_frequency(formula, ClockClass.FREE)


@pytest.mark.parametrize(
    ("formula", "clock"),
    [
        (f"{L3_MISS} / {INST}", ClockClass.FREE),
        (f"log({L3_MISS} / {INST})", ClockClass.FREE),
        (f"XQ.FULL_CYCLES / {THREAD}", ClockClass.MOVES),
        (f"XQ.FULL_CYCLES / {THREAD}", ClockClass.WEAK),
        (f"CPU_CLK_UNHALTED.C0_WAIT / {THREAD}", ClockClass.WEAK),
        (f"PERF_METRICS.MEMORY_BOUND / {SLOTS}", ClockClass.MOVES),
        (f"2 * log({TOR_OCCUPANCY} / {TOR_INSERTS})", None),
        (f"log({TOR_OCCUPANCY} / {TOR_INSERTS})", ClockClass.UNCORE),
        (f"log(2 * {RPQ_OCCUPANCY} / {RPQ_INSERTS})", ClockClass.FREE),
        (f"{CAS} / ({CAS_PEAK} * {DCLK})", ClockClass.FREE),
        (f"RESCTRL.MBM_LOCAL_BYTES / ({PEAK} * {SECONDS})", ClockClass.FREE),
        ("RESCTRL.LLC_OCCUPANCY_BYTES / NODE.LLC_BYTES", ClockClass.FREE),
    ],
)
def test_what_is_lawful_passes_in_its_own_class_only(formula: str, clock: ClockClass | None) -> None:
    shares = {ClockClass.WEAK, ClockClass.MOVES}
    lawful = shares if clock in shares else {clock}
    for declared in ClockClass:
        if declared in lawful:
            refuse_frequency(formula, declared)
        else:
            with pytest.raises(ContractError):
                refuse_frequency(formula, declared)


def test_the_wrong_class_is_told_from_a_leak() -> None:
    with pytest.raises(ContractError, match="its clock class is weak or moves, not free") as refusal:
        refuse_frequency(f"XQ.FULL_CYCLES / {THREAD}", ClockClass.FREE)
    assert not isinstance(refusal.value, FrequencyLeakError)
    with pytest.raises(ContractError, match="neither weak nor moves, not weak"):
        refuse_frequency(f"{L3_MISS} / {INST}", ClockClass.WEAK)
    with pytest.raises(ContractError, match="declared free, but counts in uncore clocks"):
        refuse_frequency(f"log({TOR_OCCUPANCY} / {TOR_INSERTS})", ClockClass.FREE)


def test_the_guard_does_not_look_at_names() -> None:
    """An event under an innocent name is refused for what it counts."""
    spy = Event("CACHE.FRIENDLY_RATIO", Pmu.CORE, EVENTS[REF].unit)
    EVENTS[spy.name] = spy
    try:
        with pytest.raises(FrequencyLeakError, match="core clock against reference clock"):
            refuse_frequency(f"{THREAD} / {spy.name}", ClockClass.FREE)
    finally:
        del EVENTS[spy.name]


# --- What the guard accepts is invariant: shown on formulas that nobody thought of. ---


@st.composite
def sums(draw: st.DrawFn, names: st.SearchStrategy[str]) -> str:
    terms = [draw(st.sampled_from(["", "2 * ", "0.5 * "])) + draw(names) for _ in range(draw(st.integers(1, 3)))]
    signs = [draw(st.sampled_from([" + ", " - "])) for _ in terms[1:]]
    return "(" + terms[0] + "".join(sign + term for sign, term in zip(signs, terms[1:], strict=True)) + ")"


@st.composite
def ratios(draw: st.DrawFn, names: st.SearchStrategy[str]) -> str:
    """Of one to three factors, each a sum over a sum."""
    factors = [f"{draw(sums(names))} / {draw(sums(names))}" for _ in range(draw(st.integers(1, 3)))]
    return draw(st.sampled_from(["{}", "log({})", "log1p({})"])).format(" * ".join(factors))


@st.composite
def expressions(draw: st.DrawFn, names: st.SearchStrategy[str], *, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(sums(names))
    operator = draw(st.sampled_from([" / ", " * ", " + ", " - "]))
    joined = f"({draw(expressions(names, depth=depth - 1))}{operator}{draw(expressions(names, depth=depth - 1))})"
    return draw(st.sampled_from(["{}", "{}", "log({})", "log1p({})"])).format(joined)


def named(kind: Callable[[Event], object], chosen: object) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(name for name, entry in EVENTS.items() if kind(entry) == chosen))


def pmu_and_unit(entry: Event) -> tuple[Pmu, str]:
    return entry.pmu, str(entry.unit)


ANY_EVENT = st.sampled_from(sorted(EVENTS))
ALIKE = st.sampled_from(sorted({pmu_and_unit(entry) for entry in EVENTS.values()})).flatmap(
    lambda kind: ratios(named(pmu_and_unit, kind))
)
ONE_PMU = st.sampled_from(list(Pmu)).flatmap(
    lambda pmu: expressions(named(lambda entry: entry.pmu, pmu) | named(lambda entry: entry.pmu, Pmu.NODE))
)
FORMULAS = ALIKE | ONE_PMU | expressions(ANY_EVENT)


def _accepting(formula: str) -> ClockClass | None:
    for declared in ClockClass:
        try:
            refuse_frequency(formula, declared)
        except ContractError:
            continue
        return declared
    return None


def _scaled(counts: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, float]:
    return {name: count * factors[name] for name, count in counts.items()}


def _of_clocks(clocks: set[Base], factor: float, names: frozenset[str]) -> dict[str, float]:
    """How each count changes where these clocks tick faster by a factor."""
    powers = {name: sum(power for base, power in EVENTS[name].unit.powers if base in clocks) for name in names}
    return {name: factor**power for name, power in powers.items()}


def _assert_invariant(formula: str, counts: Mapping[str, float], factor: float) -> None:
    node = parse(formula)
    names = events_of(node)
    before = evaluate(node, counts)
    free = [{Base.CORE_CLOCK, Base.SLOT}, {Base.REFERENCE_CLOCK}, {Base.CRYSTAL_CLOCK}, {Base.LINK_CLOCK}]
    if not isinstance(node, Logarithm):
        free += [{Base.UNCORE_CLOCK}, {Base.DRAM_CLOCK}]
    worlds = {f"other {sorted(clocks)}": _of_clocks(clocks, factor, names) for clocks in free}
    worlds["a longer window"] = {name: 1.0 if EVENTS[name].gauge else factor for name in names}
    still = {Base.REFERENCE_CLOCK, Base.CRYSTAL_CLOCK}
    worlds["core-bound work under a faster core clock"] = {
        name: factor if EVENTS[name].pmu is Pmu.CORE and not EVENTS[name].unit.clocks & still else 1.0 for name in names
    }
    for world, factors in worlds.items():
        after = evaluate(node, _scaled(counts, factors))
        assert (math.isnan(before) and math.isnan(after)) or after == pytest.approx(before, rel=1e-6, abs=1e-6), world


@pytest.mark.parametrize("spec", FEATURE_SCHEMA_V1.features, ids=lambda spec: spec.name)
@given(factor=st.sampled_from([0.5, 2.0, 4.0]), data=st.data())
def test_features_are_the_same_under_another_clock_and_over_a_longer_window(
    spec: FeatureSpec, factor: float, data: st.DataObject
) -> None:
    for formula in (spec.formula, *spec.fallbacks):
        counts = {name: data.draw(st.floats(1e3, 1e9)) for name in sorted(events_of(parse(formula)))}
        _assert_invariant(formula, counts, factor)


@given(formula=FORMULAS, factor=st.sampled_from([0.5, 2.0, 4.0]), data=st.data())
def test_whatever_is_accepted_is_the_same_under_another_clock(formula: str, factor: float, data: st.DataObject) -> None:
    if _accepting(formula) is None:
        note("refused")
        return
    note("accepted")
    counts = {name: data.draw(st.floats(1e3, 1e9)) for name in sorted(events_of(parse(formula)))}
    _assert_invariant(formula, counts, factor)


@given(formula=FORMULAS)
def test_the_guard_answers_or_refuses_and_never_crashes(formula: str) -> None:
    _accepting(formula)
