"""Deltas of whole courses of readings, faults and all, against a reference in plain integers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deltas import BlockDelta, block_delta
from agent.sources.protocol import CounterBlock
from agent.sources.unread import is_unread, mark_unread
from contracts.events import EVENTS

SECOND_NS = 10**9
CORE = ("MEM_LOAD_RETIRED.L3_HIT", "MEM_LOAD_RETIRED.L3_MISS")
UPI = ("UNC_UPI_CLOCKTICKS", "UNC_UPI_TxL_FLITS.ALL_DATA")
MBM = ("RESCTRL.MBM_TOTAL_BYTES", "RESCTRL.MBM_LOCAL_BYTES")
MINIMUM_SHARE = Fraction(1, 16)
ALL_ONES = (2**32 - 1, 2**48 - 1, 2**64 - 1)


@dataclass(frozen=True)
class Row:
    """One row as a source would give it: counts, enabled and running time; not ``read`` where the kernel refused."""

    counts: tuple[int, int] = (0, 0)
    enabled: int = 0
    running: int = 0
    read: bool = True


@dataclass(frozen=True)
class Step:
    """What happens to one row within a window.

    ``added`` is what the hardware counts while the group is on it, ``share`` (in 64ths) for how much of the time it is.
    """

    added: tuple[int, int] = (0, 0)
    share: int = 64
    reset: bool = False
    read: bool = True
    there: bool = True
    stuck: int | None = None


def after(row: Row, step: Step, *, elapsed: int) -> Row:
    if step.reset:
        row = Row()
    counts = ((row.counts[0] + step.added[0]) % 2**64, (row.counts[1] + step.added[1]) % 2**64)
    return Row(
        counts=counts if step.stuck is None else (step.stuck, counts[1]),
        enabled=row.enabled + elapsed,
        running=row.running + elapsed * step.share // 64,
        read=step.read,
    )


def block(rows: Mapping[str, Row], events: tuple[str, ...]) -> CounterBlock:
    held = tuple(rows.values())
    enabled = np.array([row.enabled for row in held], dtype=np.uint64)
    running = np.array([row.running for row in held], dtype=np.uint64)
    mark_unread(np.array([not row.read for row in held], dtype=np.bool_), enabled_ns=enabled, running_ns=running)
    return CounterBlock(
        pmu=EVENTS[events[0]].pmu,
        events=events,
        instances=tuple(rows),
        domains=("socket0",) * len(held),
        counts=np.array([row.counts for row in held], dtype=np.uint64).reshape(len(held), len(events)),
        enabled_ns=enabled,
        running_ns=running,
    )


def expected(before: Row | None, now: Row | None, *, uncore: bool) -> tuple[Fraction, ...] | None:
    """The reference: scaled counts of one row, or that it can't be believed."""
    if before is None or now is None or not before.read or not now.read:
        return None
    enabled, running = now.enabled - before.enabled, now.running - before.running
    added = [after - first for first, after in zip(before.counts, now.counts, strict=True)]
    if min(added) < 0 or not 0 < running <= enabled or running < MINIMUM_SHARE * enabled:
        return None
    if uncore and any(count in ALL_ONES for row in (before, now) for count in row.counts):
        return None
    scaled = tuple(Fraction(count * enabled, running) for count in added)
    return None if uncore and scaled[0] > 4 * enabled else scaled


def found(delta: BlockDelta) -> dict[str, tuple[float, ...] | None]:
    return {
        name: tuple(scaled) if good else None
        for name, good, scaled in zip(delta.instances, delta.good.tolist(), delta.scaled.tolist(), strict=True)
    }


@dataclass
class Course:
    """A block's rows through several windows."""

    events: tuple[str, ...]
    readings: list[dict[str, Row]] = field(default_factory=list)

    def deltas(self) -> list[BlockDelta]:
        return [
            block_delta(block(before, self.events), block(now, self.events), minimum_running_share=float(MINIMUM_SHARE))
            for before, now in pairwise(self.readings)
        ]


counts = st.one_of(st.integers(0, 3 * 10**10), st.integers(10**11, 10**13))
whole_steps = st.builds(Step, added=st.tuples(counts, counts), share=st.integers(4, 64))
steps = st.builds(
    Step,
    added=st.tuples(counts, counts),
    share=st.sampled_from([0, 1, 3, 4, 32, 64]),
    reset=st.sampled_from([False] * 9 + [True]),
    read=st.sampled_from([True] * 9 + [False]),
    there=st.sampled_from([True] * 9 + [False]),
    stuck=st.sampled_from([None] * 9 + [*ALL_ONES]),
)


@st.composite
def courses(draw: st.DrawFn, step: st.SearchStrategy[Step] = steps) -> Course:
    course = Course(draw(st.sampled_from([CORE, UPI, MBM])))
    rows = {f"row{number}": Row() for number in range(draw(st.integers(1, 4)))}
    for _ in range(draw(st.integers(2, 6))):
        elapsed = draw(st.sampled_from([1, 10, 100])) * SECOND_NS * 64
        taken = {name: draw(step) for name in rows}
        rows = {name: after(row, taken[name], elapsed=elapsed) for name, row in rows.items()}
        course.readings.append({name: row for name, row in rows.items() if taken[name].there})
    return course


@settings(deadline=None)
@given(course=courses())
def test_a_row_counts_exactly_when_the_reference_believes_it_and_what_it_says(course: Course) -> None:
    uncore = course.events is UPI
    for (before, now), delta in zip(pairwise(course.readings), course.deltas(), strict=True):
        for name, scaled in found(delta).items():
            wanted = expected(before.get(name), now.get(name), uncore=uncore)
            assert scaled == (None if wanted is None else pytest.approx([float(value) for value in wanted]))
        assert set(delta.instances) == before.keys() | now.keys()


@settings(deadline=None)
@given(course=courses())
def test_what_is_not_believed_is_zero_in_the_sum_and_nothing_is_ever_negative(course: Course) -> None:
    for delta in course.deltas():
        assert (delta.scaled >= 0.0).all()
        assert np.isfinite(delta.scaled).all()
        assert not delta.scaled[~delta.good].any()


@settings(deadline=None)
@given(course=courses(whole_steps.map(lambda step: Step(added=step.added))))
def test_windows_of_a_group_that_always_runs_add_up_to_what_was_counted_in_all(course: Course) -> None:
    """Nothing twice and nothing lost, wherever the windows are cut."""
    course.events = CORE
    total = block_delta(
        block(course.readings[0], CORE), block(course.readings[-1], CORE), minimum_running_share=float(MINIMUM_SHARE)
    )
    summed = np.sum([delta.scaled for delta in course.deltas()], axis=0)
    assert summed == pytest.approx(total.scaled)


@settings(deadline=None)
@given(course=courses(whole_steps))
def test_scaling_never_exceeds_enabled_over_running_nor_falls_below_what_was_counted(course: Course) -> None:
    course.events = CORE
    for (before, now), delta in zip(pairwise(course.readings), course.deltas(), strict=True):
        for name, scaled, good in zip(delta.instances, delta.scaled, delta.good, strict=True):
            assert good
            counted = np.subtract(now[name].counts, before[name].counts)
            assert (scaled >= counted * (1 - 1e-12)).all()
            assert (scaled <= counted * (1 + 1e-12) * 16).all()


@settings(deadline=None)
@given(
    pair=st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)),
    one=st.integers(4, 64),
    other=st.integers(4, 64),
)
def test_a_quotient_within_a_group_does_not_know_how_long_the_group_ran(
    pair: tuple[int, int], one: int, other: int
) -> None:
    def quotient(share: int) -> float:
        added = (pair[0] * share, pair[1] * share)
        rows = [{"cpu0": Row()}, {"cpu0": after(Row(), Step(added=added, share=share), elapsed=SECOND_NS * 64)}]
        (delta,) = Course(CORE, rows).deltas()
        return float(delta.scaled[0, 0] / delta.scaled[0, 1])

    assert quotient(one) == pytest.approx(quotient(other), rel=1e-12)


@settings(deadline=None)
@given(before=st.integers(0, 2**64 - 1), now=st.integers(0, 2**64 - 1))
def test_a_bandwidth_counter_that_falls_is_missing_and_never_a_wrap(before: int, now: int) -> None:
    """The kernel extends the hardware's counters to 64 bits; what falls was begun anew, by how much nobody knows."""
    rows: Sequence[Row] = (
        Row(counts=(before, before), enabled=SECOND_NS, running=SECOND_NS),
        Row(counts=(now, now), enabled=2 * SECOND_NS, running=2 * SECOND_NS),
    )
    (delta,) = Course(MBM, [{"root@socket0": row} for row in rows]).deltas()
    assert delta.good.tolist() == [now >= before]
    assert delta.scaled.tolist() == [[float(max(now - before, 0))] * 2]


@settings(deadline=None)
@given(enabled=st.integers(0, 2**63), running=st.integers(0, 2**63))
def test_only_the_mark_itself_is_unread(enabled: int, running: int) -> None:
    times = {
        "enabled_ns": np.array([enabled, enabled], dtype=np.uint64),
        "running_ns": np.array([running, running], dtype=np.uint64),
    }
    mark_unread(np.array([True, False]), **times)
    assert is_unread(**times).tolist() == [True, (enabled, running) == (0, 1)]
