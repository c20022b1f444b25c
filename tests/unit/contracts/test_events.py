import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.events import CLOCKS, CONSTANTS, CORE_CLOCKS, DIMENSIONLESS, EVENTS, Base, Pmu, Unit, event
from contracts.features import FEATURE_SCHEMA_V1

units = st.lists(st.sampled_from(Base), max_size=4).map(lambda bases: Unit.of(*bases))


@given(units, units)
def test_units_multiply_like_powers(left: Unit, right: Unit) -> None:
    assert left * right == right * left
    assert (left * right) / right == left
    assert left / left == DIMENSIONLESS


def test_units_are_read_by_people() -> None:
    assert str(Unit.of(Base.BYTE) / Unit.of(Base.SECOND, Base.SECOND)) == "byte second^-2"
    assert str(DIMENSIONLESS) == "1"
    assert Unit.of(Base.COUNT, Base.UNCORE_CLOCK).clocks == {Base.UNCORE_CLOCK}


def test_an_unknown_event_says_where_to_add_it() -> None:
    with pytest.raises(ContractError, match=r"'INST_RETIRED\.ANYTHING' has no unit in contracts/events\.py"):
        event("INST_RETIRED.ANYTHING")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("TOPDOWN.SLOTS", "pipeline slot"),
        ("PERF_METRICS.MEMORY_BOUND", "pipeline slot"),
        ("PERF_METRICS.RETIRING", "count"),
        ("CPU_CLK_UNHALTED.THREAD", "core clock"),
        ("CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE", "crystal clock"),
        ("CPU_CLK_UNHALTED.REF_TSC", "reference clock"),
        ("XQ.FULL_CYCLES", "core clock"),
        ("UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD", "count uncore clock"),
        ("UNC_M_RPQ_OCCUPANCY_PCH0", "DRAM clock count"),
        ("UNC_M_CAS_COUNT.ALL", "DRAM command"),
        ("UNC_UPI_TxL_FLITS.ALL_DATA", "flit"),
        ("UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS", "double word"),
        ("RESCTRL.MBM_TOTAL_BYTES", "byte"),
        ("NODE.DRAM_PEAK_BYTES_PER_SECOND", "byte second^-1"),
    ],
)
def test_units_of_events(name: str, unit: str) -> None:
    assert str(event(name).unit) == unit


def test_every_event_has_a_unit_and_only_clocks_of_its_own_side() -> None:
    for entry in EVENTS.values():
        assert entry.unit != DIMENSIONLESS
        if entry.pmu in {Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO, Pmu.RESCTRL}:
            assert not entry.unit.clocks & CORE_CLOCKS, entry.name
        if entry.pmu is Pmu.CORE:
            assert not entry.unit.clocks & (CLOCKS - CORE_CLOCKS), entry.name


def test_levels_and_ceilings_are_the_only_gauges() -> None:
    gauges = {entry.name for entry in EVENTS.values() if entry.gauge}
    nodes = {name for name in EVENTS if name.startswith("NODE.")}
    assert gauges == (nodes - {"NODE.WINDOW_SECONDS"}) | {"RESCTRL.LLC_OCCUPANCY_BYTES"}


def test_an_io_count_is_four_bytes() -> None:
    assert (CONSTANTS["BYTES_PER_DOUBLE_WORD"].value, str(CONSTANTS["BYTES_PER_DOUBLE_WORD"].unit)) == (
        4.0,
        "byte double word^-1",
    )


def test_no_event_of_the_schema_is_a_frequency() -> None:
    for name in FEATURE_SCHEMA_V1.events:
        assert len(event(name).unit.clocks) <= 1
        assert event(name).pmu is not Pmu.MSR
