from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.common_rows import absolute_events
from agent.errors import WindowError
from agent.sources.protocol import CounterBlock, Reading
from agent.sources.unread import mark_unread
from agent.topology import Domain, Topology
from agent.window import domain_counts, rows_left_out, vectors_between
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1

SECOND_NS = 1_000_000_000
L3 = ("MEM_LOAD_RETIRED.L3_HIT", "MEM_LOAD_RETIRED.L3_MISS")
UPI = ("UNC_UPI_CLOCKTICKS", "UNC_UPI_TxL_FLITS.ALL_DATA")
IIO = ("UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS", "UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS")
TOPOLOGY = Topology(
    vendor="GenuineIntel",
    family=6,
    model=143,
    stepping=8,
    smt=True,
    domains=tuple(
        Domain(
            name=f"socket{socket}",
            socket=socket,
            cpus=(socket,),
            ceilings={"NODE.LLC_BYTES": 1000.0, "NODE.DRAM_PEAK_BYTES_PER_SECOND": 1e9},
        )
        for socket in (0, 1)
    ),
)


def block(
    events: tuple[str, ...],
    counts: Sequence[Sequence[int]],
    *,
    enabled: int = SECOND_NS,
    running: Sequence[int] | None = None,
    instances: tuple[str, ...] | None = None,
    domains: tuple[str, ...] | None = None,
) -> CounterBlock:
    rows = len(counts)
    return CounterBlock(
        pmu=EVENTS[events[0]].pmu,
        events=events,
        instances=instances or tuple(f"row{row}" for row in range(rows)),
        domains=domains or ("socket0",) * rows,
        counts=np.array(counts, dtype=np.uint64).reshape(rows, len(events)),
        enabled_ns=np.full(rows, enabled, dtype=np.uint64),
        running_ns=np.array([enabled] * rows if running is None else running, dtype=np.uint64),
    )


def reading(*blocks: CounterBlock, at: int = 1, gauges: dict[str, dict[str, float]] | None = None) -> Reading:
    return Reading(wall_ns=10**18 + at * SECOND_NS, monotonic_ns=at * SECOND_NS, blocks=blocks, gauges=gauges or {})


def zeros(like: CounterBlock) -> CounterBlock:
    return replace(
        like,
        counts=np.zeros_like(like.counts),
        enabled_ns=np.zeros_like(like.enabled_ns),
        running_ns=np.zeros_like(like.running_ns),
    )


def counted(*last: CounterBlock, first: tuple[CounterBlock, ...] | None = None) -> dict[str, dict[str, float]]:
    before = tuple(zeros(entry) for entry in last) if first is None else first
    return domain_counts(reading(*before), reading(*last, at=2), topology=TOPOLOGY)


def values_of(*last: CounterBlock) -> dict[str, float]:
    vectors = vectors_between(
        reading(*(zeros(entry) for entry in last)), reading(*last, at=2), node="n1", topology=TOPOLOGY
    )
    return dict(zip(FEATURE_SCHEMA_V1.names, vectors[0].values.tolist(), strict=True))


def test_rows_are_summed_by_domain_and_scaled() -> None:
    half = SECOND_NS // 2
    counts = counted(
        block(
            L3,
            [[10, 1], [20, 2], [30, 3]],
            running=[SECOND_NS, half, SECOND_NS],
            domains=("socket0", "socket0", "socket1"),
        )
    )
    assert {name: counts["socket0"][name] for name in L3} == {L3[0]: 50.0, L3[1]: 5.0}
    assert {name: counts["socket1"][name] for name in L3} == {L3[0]: 30.0, L3[1]: 3.0}


def test_ceilings_window_and_gauges_of_the_last_reading_are_in() -> None:
    first = reading(gauges={"socket0": {"RESCTRL.LLC_OCCUPANCY_BYTES": 1.0}})
    last = reading(at=3, gauges={"socket0": {"RESCTRL.LLC_OCCUPANCY_BYTES": 250.0}, "elsewhere": {"x": 1.0}})
    counts = domain_counts(first, last, topology=TOPOLOGY)
    assert counts.keys() == {"socket0", "socket1"}
    assert counts["socket0"]["NODE.WINDOW_SECONDS"] == 2.0
    assert counts["socket0"]["RESCTRL.LLC_OCCUPANCY_BYTES"] == 250.0
    assert "RESCTRL.LLC_OCCUPANCY_BYTES" not in counts["socket1"]
    assert counts["socket1"]["NODE.LLC_BYTES"] == 1000.0


def test_readings_out_of_order_are_refused() -> None:
    with pytest.raises(WindowError, match="order of time"):
        domain_counts(reading(at=2), reading(at=2), topology=TOPOLOGY)


def test_vectors_come_in_the_topologys_order_with_the_windows_times() -> None:
    one, two = vectors_between(reading(), reading(at=3), node="n1", topology=TOPOLOGY)
    assert (one.domain, two.domain) == ("socket0", "socket1")
    assert one.window_start_ns == 10**18 + SECOND_NS
    assert one.window_length_ns == 2 * SECOND_NS


@pytest.mark.parametrize("stepped_ns", [-3600 * SECOND_NS, 3600 * SECOND_NS])
def test_a_wall_clock_that_steps_within_the_window_moves_it_and_leaves_its_length(stepped_ns: int) -> None:
    last = reading(at=3)
    last = replace(last, wall_ns=last.wall_ns + stepped_ns)
    vector, _ = vectors_between(reading(), last, node="n1", topology=TOPOLOGY)
    assert (vector.window_end_ns, vector.window_length_ns) == (last.wall_ns, 2 * SECOND_NS)


@pytest.mark.parametrize("share", [0.0, 0.049])
def test_a_starved_row_is_left_out_whole(share: float) -> None:
    counts = counted(block(L3, [[10, 10], [99, 1]], running=[SECOND_NS, int(share * SECOND_NS)]))
    assert (counts["socket0"][L3[0]], counts["socket0"][L3[1]]) == (10.0, 10.0)


def test_a_row_that_ran_longer_than_it_was_enabled_is_left_out() -> None:
    counts = counted(block(L3, [[10, 10], [99, 1]], running=[SECOND_NS, SECOND_NS + SECOND_NS // 100]))
    assert (counts["socket0"][L3[0]], counts["socket0"][L3[1]]) == (10.0, 10.0)


def test_a_domain_without_any_good_row_lacks_the_event() -> None:
    counts = counted(block(L3, [[10, 10], [5, 5]], running=[0, SECOND_NS], domains=("socket0", "socket1")))
    assert L3[0] not in counts["socket0"]
    assert counts["socket1"][L3[0]] == 5.0


def test_rows_of_one_reading_only_are_left_out() -> None:
    first = block(L3, [[0, 0], [0, 0]], enabled=0, instances=("cpu0", "cpu1"))
    last = block(L3, [[7, 7], [9, 9]], instances=("cpu2", "cpu0"))
    counts = counted(last, first=(first,))
    assert counts["socket0"][L3[0]] == 9.0


def test_a_block_of_one_reading_only_counts_nothing() -> None:
    lonely = block(L3, [[7, 7]])
    assert L3[0] not in counted(lonely, first=())["socket0"]
    assert rows_left_out(reading(), reading(lonely, at=2)) == 0


@pytest.mark.parametrize("stuck", [2**32 - 1, 2**48 - 1, 2**64 - 1])
def test_a_stuck_box_is_left_out(stuck: int) -> None:
    first = block(UPI, [[10, 0], [stuck, 0]], enabled=1)
    last = block(UPI, [[110, 50], [stuck, 0]])
    counts = counted(last, first=(first,))
    assert [counts["socket0"][name] for name in UPI] == pytest.approx([100.0, 50.0])
    assert rows_left_out(reading(first), reading(last, at=2)) == 1


def test_a_core_counter_may_pass_through_any_value() -> None:
    assert counted(block(L3, [[2**32 - 1, 1]]))["socket0"][L3[0]] == 2.0**32 - 1


def test_a_clock_of_seven_gigahertz_is_left_out() -> None:
    counts = counted(block(UPI, [[7_000_000_000, 1], [2_000_000_000, 2]]))
    assert (counts["socket0"][UPI[0]], counts["socket0"][UPI[1]]) == (2e9, 2.0)


def test_bytes_against_time_are_missing_when_one_box_is_bad() -> None:
    good = block(IIO, [[10, 10], [20, 20]])
    bad = replace(good, running_ns=np.array([SECOND_NS, 0], dtype=np.uint64))
    assert counted(good)["socket0"][IIO[0]] == 30.0
    assert IIO[0] not in counted(bad)["socket0"]


def test_only_bytes_are_absolute() -> None:
    assert {EVENTS[name].pmu for name in absolute_events()} == {Pmu.IIO, Pmu.RESCTRL}


def test_a_group_unread_at_first_does_not_count_since_it_was_opened() -> None:
    events = ("RESCTRL.MBM_TOTAL_BYTES", "RESCTRL.MBM_LOCAL_BYTES")
    first = block(events, [[100, 100], [0, 0]], enabled=10**12)
    mark_unread(np.array([False, True]), enabled_ns=first.enabled_ns, running_ns=first.running_ns)
    last = block(events, [[150, 140], [9000, 9000]], enabled=10**12 + SECOND_NS)
    assert events[0] not in counted(last, first=(first,))["socket0"]


def spread(name: str, counts: Sequence[int], *, good: Sequence[bool], first_row: int = 0) -> CounterBlock:
    """One event in a block of its own, its rows all there, those that are not good starved."""
    return block(
        (name,),
        [[count] for count in counts],
        running=[SECOND_NS if is_good else 0 for is_good in good],
        instances=tuple(f"cpu{first_row + row}" for row in range(len(counts))),
    )


INSTRUCTIONS, WALKS, LOCKS = "INST_RETIRED.ANY", "DTLB_LOAD_MISSES.WALK_COMPLETED", "MEM_INST_RETIRED.LOCK_LOADS"


def test_a_formula_over_two_blocks_compares_the_same_cpus() -> None:
    """Instructions and walks in two groups: a CPU missing from one must not stay in the other."""
    for both in (
        (spread(INSTRUCTIONS, [1000, 5000], good=[True, True]), spread(WALKS, [10, 70], good=[True, False])),
        (spread(INSTRUCTIONS, [1000, 5000], good=[True, False]), spread(WALKS, [10, 70], good=[True, True])),
    ):
        assert values_of(*both)["dtlb_walks"] == pytest.approx(np.log1p(10.0))


def test_formulas_choose_their_rows_without_regard_to_each_other() -> None:
    values = values_of(
        spread(INSTRUCTIONS, [1000, 5000], good=[True, True]),
        spread(WALKS, [10, 70], good=[True, False]),
        spread(LOCKS, [3, 100], good=[False, True]),
    )
    assert values["dtlb_walks"] == pytest.approx(np.log1p(10.0))
    assert values["lock_loads"] == pytest.approx(np.log1p(20.0))


def test_a_formula_whose_blocks_share_no_row_is_missing() -> None:
    values = values_of(
        spread(INSTRUCTIONS, [1000, 5000], good=[False, True]), spread(WALKS, [10, 70], good=[True, False])
    )
    assert np.isnan(values["dtlb_walks"])


def test_cpus_that_run_one_group_only_do_not_enter_formulas_over_two() -> None:
    """As isolated CPUs do under policy ``sampled``: their rows are a block of the same events besides the others'."""
    values = values_of(
        spread(INSTRUCTIONS, [1000], good=[True]),
        spread(WALKS, [10], good=[True]),
        spread(INSTRUCTIONS, [9000], good=[True], first_row=1),
    )
    assert values["dtlb_walks"] == pytest.approx(np.log1p(10.0))


def test_a_wholly_starved_block_does_not_drag_its_neighbours_down() -> None:
    instructions = spread(INSTRUCTIONS, [1000, 5000], good=[True, True])
    walks = spread(WALKS, [10, 50], good=[False, False])
    assert counted(instructions, walks)["socket0"][INSTRUCTIONS] == 6000.0


@settings(deadline=None)
@given(data=st.data())
def test_formulas_over_several_blocks_agree_with_one_block_of_their_common_rows(data: st.DataObject) -> None:
    """Whatever is bad where: as if the rows that all blocks of a formula have had been one block of all its events."""
    names = (INSTRUCTIONS, WALKS, LOCKS)
    number = data.draw(st.integers(1, 5))
    counts = {name: data.draw(st.lists(st.integers(1, 1000), min_size=number, max_size=number)) for name in names}
    good = {name: data.draw(st.lists(st.booleans(), min_size=number, max_size=number)) for name in names}
    values = values_of(*(spread(name, counts[name], good=good[name]) for name in names))
    for feature, other in (("dtlb_walks", WALKS), ("lock_loads", LOCKS)):
        pair = (INSTRUCTIONS, other)
        common = [row for row in range(number) if all(good[name][row] for name in pair)]
        expected = values_of(block(pair, [[counts[name][row] for name in pair] for row in common]))[feature]
        assert values[feature] == pytest.approx(expected, rel=1e-6, nan_ok=True)


rows = st.lists(st.tuples(*[st.integers(0, 2**40)] * 2), min_size=1, max_size=12)
shares = st.floats(0.06, 1.0)


@settings(deadline=None)
@given(counts=rows, data=st.data())
def test_multiplexing_cancels(counts: list[tuple[int, int]], data: st.DataObject) -> None:
    """A row that ran for a share of the time with that share of the counts gives the same sums."""
    chosen = [data.draw(shares) for _ in counts]
    enabled = 10**12
    running = [int(enabled * share) for share in chosen]
    whole = [[value * enabled for value in row] for row in [(a % 1000, b % 1000) for a, b in counts]]
    partial = [[value // enabled * ran for value in row] for row, ran in zip(whole, running, strict=True)]
    expected = counted(block(L3, whole, enabled=enabled))["socket0"]
    scaled = counted(block(L3, partial, enabled=enabled, running=running))["socket0"]
    for name in L3:
        assert scaled[name] == pytest.approx(expected[name], rel=1e-9)


@settings(deadline=None)
@given(counts=rows, data=st.data())
def test_the_order_of_rows_and_blocks_does_not_matter(counts: list[tuple[int, int]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(counts))))
    domains = tuple(data.draw(st.sampled_from(["socket0", "socket1"])) for _ in counts)
    straight = block(L3, counts, domains=domains)
    shuffled = replace(
        straight,
        instances=tuple(straight.instances[row] for row in order),
        domains=tuple(straight.domains[row] for row in order),
        counts=straight.counts[order],
    )
    other = block(UPI, [[5, 6]])
    expected = counted(straight, other)
    mixed = domain_counts(reading(zeros(straight), zeros(other)), reading(other, shuffled, at=2), topology=TOPOLOGY)
    assert {name: pytest.approx(values) for name, values in expected.items()} == mixed


@settings(deadline=None)
@given(first=rows, data=st.data())
def test_a_counter_that_goes_backwards_takes_its_row_along(first: list[tuple[int, int]], data: st.DataObject) -> None:
    steps = [data.draw(st.tuples(*[st.integers(-1000, 1000)] * 2)) for _ in first]
    start = [[a + 1000, b + 1000] for a, b in first]
    end = [[a + x, b + y] for (a, b), (x, y) in zip(start, steps, strict=True)]
    forward = [step for step in steps if min(step) >= 0]
    counts = counted(block(L3, end, enabled=2 * SECOND_NS), first=(block(L3, start),))["socket0"]
    if forward:
        assert [counts[name] for name in L3] == [float(sum(step[column] for step in forward)) for column in (0, 1)]
    else:
        assert not any(name in counts for name in L3)


@settings(deadline=None)
@given(present=st.sets(st.sampled_from(sorted(FEATURE_SCHEMA_V1.events))))
def test_what_is_missing_stays_missing(present: set[str]) -> None:
    """A feature has a value only if all events of one of its formulas were counted."""
    counters = sorted(name for name in present if EVENTS[name].pmu is not Pmu.NODE)
    counts = counted(*(block((name,), [[1000]]) for name in counters))["socket0"]
    ceilings = {"NODE.LLC_BYTES", "NODE.DRAM_PEAK_BYTES_PER_SECOND", "NODE.WINDOW_SECONDS"}
    assert counts.keys() == ceilings | set(counters)
    values = values_of(*(block((name,), [[1000]]) for name in counters))
    for spec in FEATURE_SCHEMA_V1.features:
        if np.isnan(spec.value(counts)):
            assert np.isnan(values[spec.name])
        else:
            assert values[spec.name] == pytest.approx(spec.value(counts), rel=1e-6)
