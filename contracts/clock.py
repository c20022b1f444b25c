"""The frequency guard: which formulas may not stand in the feature vector, decided by units alone.

Core frequency follows utilisation, not contention, so a feature that carries it teaches a model the wrong lesson. The
guard never looks at a name. It works with what each event counts, in which clock, and who counts it, and refuses

1. an event that is itself a frequency: a clock per second, or one clock per another;
2. two kinds of clock in one formula, and any core-side clock (core, slot, reference, crystal) together with anything
   but its own kind, even where the units would cancel;
3. counts set against ticks or seconds, which are rates of work and follow the clock, however the unit is balanced;
4. events of two PMUs in one formula: a rate of work beside one that the core clock does not drive (ceilings of the
   node apart, which are no rates of work);
5. sums of unlike things, logarithms that would hide a unit, and formulas whose unit does not cancel: cycles per
   instruction, requests outstanding per request, counts per window;
6. an event that cancels out, which says nothing and may be there to dress a clock up, and a formula that changes with
   the window's length alone.

One thing may keep a unit: a whole formula that is the logarithm of a wait, occupancy over arrivals of one PMU, in
uncore or DRAM clocks.

**What it cannot see.** It judges one formula at a time. Two lawful features can betray the clock together: stall shares
beside misses per instruction are latency times frequency; the shares of slots that are lost sum up to what is not lost,
which is work per clock. Nor does it see what the core clock does to the *behaviour* that is counted: a faster core
sends more requests to the same memory, and a polling loop runs more instructions between the same packets, which
dilutes whatever is counted per instruction. And it believes the unit that ``contracts.events`` declares. What the whole
vector gives away is measured, by an attempt to predict the clock from it, not proved.
"""

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum

from contracts.errors import ContractError, FrequencyLeakError
from contracts.events import CLOCKS, CONSTANTS, CORE_CLOCKS, DIMENSIONLESS, Base, Event, Pmu, Unit, event
from contracts.formula import Constant, Counter, Logarithm, Node, Number, Operation, evaluate, events_of, parse

_WAITS = (Unit.of(Base.DRAM_CLOCK), Unit.of(Base.UNCORE_CLOCK))
_TICKS = tuple(Unit.of(clock) for clock in CLOCKS)
_PROBES = 5
_PROBE_STEP = 2.0


class ClockClass(StrEnum):
    """What the core clock does to a feature.

    ``free``: no core-clock term left. ``weak`` and ``moves``: a share of core time that moves a little with the clock,
    since memory takes a constant number of nanoseconds. ``uncore``: counted in uncore clocks.
    """

    FREE = "free"
    WEAK = "weak"
    MOVES = "moves"
    UNCORE = "uncore"


def refuse_frequency(text: str, declared: ClockClass) -> None:
    """Refuse a formula that encodes a clock, or whose declared clock class its events contradict.

    >>> refuse_frequency("CPU_CLK_UNHALTED.THREAD / CPU_CLK_UNHALTED.REF_TSC", ClockClass.FREE)
    Traceback (most recent call last):
    contracts.errors.FrequencyLeakError: formula 'CPU_CLK_UNHALTED.THREAD / CPU_CLK_UNHALTED.REF_TSC' sets core clock \
against reference clock: a ratio of clocks is a frequency

    Raises:
        FrequencyLeakError: as described in this module's text.
        ContractError: the formula reads no counter, or an event that has no unit or cancels out; or it grows with the
            window; or the declared class is not the events' own.
    """
    node = parse(text)
    events = tuple(event(name) for name in sorted(events_of(node)))
    _refuse_clock_rates(events, text)
    _refuse_mixed_clocks(events, text)
    _refuse_rates_of_work(events, text)
    _refuse_two_pmus(events, text)
    if not _is_logarithm_of_a_wait(node, events, text):
        unit = _unit_of(node, text)
        if unit != DIMENSIONLESS:
            raise FrequencyLeakError(
                f"formula {text!r} is left with the unit [{unit}]: a feature is a ratio of like things"
            )
    if all(entry.pmu is Pmu.NODE for entry in events):
        raise ContractError(f"formula {text!r} reads no counter: a feature measures something")
    _refuse_events_that_cancel_out(node, events, text)
    _refuse_sums_over_the_window(node, events, text)
    _refuse_wrong_class(events, text, declared)


def _refuse_clock_rates(events: Sequence[Event], text: str) -> None:
    for entry in events:
        if len(entry.unit.clocks) > 1:
            raise FrequencyLeakError(
                f"formula {text!r} reads {entry.name}, a frequency [{entry.unit}]: frequency is not a feature"
            )


def _refuse_mixed_clocks(events: Sequence[Event], text: str) -> None:
    clocks = sorted(frozenset[Base]().union(*(entry.unit.clocks for entry in events)))
    if len(clocks) > 1:
        raise FrequencyLeakError(f"formula {text!r} sets {' against '.join(clocks)}: a ratio of clocks is a frequency")
    for clock in CORE_CLOCKS.intersection(clocks):
        others = sorted({str(entry.unit) for entry in events if entry.unit != Unit.of(clock)})
        if others:
            raise FrequencyLeakError(
                f"formula {text!r} sets {clock}s against other things ({', '.join(others)}): they compare with "
                f"{clock}s only"
            )


def _refuse_rates_of_work(events: Sequence[Event], text: str) -> None:
    counts = [entry.name for entry in events if Base.COUNT in dict(entry.unit.powers)]
    ticks = [entry.name for entry in events if entry.unit in _TICKS]
    if counts and ticks:
        raise FrequencyLeakError(
            f"formula {text!r} sets counts ({', '.join(counts)}) against time ({', '.join(ticks)}): "
            "a rate of work follows the clock"
        )


def _refuse_two_pmus(events: Sequence[Event], text: str) -> None:
    counting = sorted({entry.pmu for entry in events if entry.pmu is not Pmu.NODE})
    if len(counting) > 1:
        raise FrequencyLeakError(
            f"formula {text!r} sets {' against '.join(counting)} counters: what two PMUs count is not driven by one "
            "clock; take both from one"
        )


def _is_logarithm_of_a_wait(node: Node, events: Sequence[Event], text: str) -> bool:
    if not isinstance(node, Logarithm) or node.plus_one:
        return False
    return _unit_of(node.argument, text) in _WAITS and not any(entry.unit in _TICKS for entry in events)


def _unit_of(node: Node, text: str) -> Unit:
    match node:
        case Number():
            return DIMENSIONLESS
        case Constant(name=name):
            return CONSTANTS[name].unit
        case Counter(event=name):
            return event(name).unit
        case Logarithm(argument=argument):
            unit = _unit_of(argument, text)
            if unit != DIMENSIONLESS:
                raise FrequencyLeakError(
                    f"formula {text!r} takes a logarithm of [{unit}], which would hide its unit: form a ratio first"
                )
            return DIMENSIONLESS
        case Operation():
            return _unit_of_operation(node, text)


def _unit_of_operation(operation: Operation, text: str) -> Unit:
    left, right = _unit_of(operation.left, text), _unit_of(operation.right, text)
    if operation.operator == "*":
        return left * right
    if operation.operator == "/":
        return left / right
    if left != right:
        raise FrequencyLeakError(f"formula {text!r} adds [{left}] to [{right}]: bring both to one unit first")
    return left


def _refuse_events_that_cancel_out(node: Node, events: Sequence[Event], text: str) -> None:
    for entry in events:
        if not any(_changes(node, counts, [entry]) for counts in _probes(events)):
            raise ContractError(f"formula {text!r} does not depend on {entry.name}, which cancels out: leave it out")


def _refuse_sums_over_the_window(node: Node, events: Sequence[Event], text: str) -> None:
    growing = [entry for entry in events if not entry.gauge]
    if any(_changes(node, counts, growing) for counts in _probes(events)):
        raise ContractError(
            f"formula {text!r} changes with the length of the window: set like things against each other"
        )


def _probes(events: Sequence[Event]) -> Iterator[dict[str, float]]:
    """Some unlike counts of a million or two; multiples of the golden ratio spread them evenly."""
    golden_ratio = (1 + math.sqrt(5)) / 2
    for probe in range(1, _PROBES + 1):
        yield {entry.name: 1e6 * (1 + golden_ratio * probe * place % 1) for place, entry in enumerate(events, start=1)}


def _changes(node: Node, counts: dict[str, float], raised: Sequence[Event]) -> bool:
    """Whether the formula's value changes when these events are raised by one factor."""
    before = evaluate(node, counts)
    after = evaluate(node, counts | {entry.name: counts[entry.name] * _PROBE_STEP for entry in raised})
    both_missing = math.isnan(before) and math.isnan(after)
    return not both_missing and not math.isclose(before, after, rel_tol=1e-9, abs_tol=1e-12)


def _refuse_wrong_class(events: Sequence[Event], text: str, declared: ClockClass) -> None:
    moves = any(entry.moves_with_clock for entry in events)
    if moves is not (declared in {ClockClass.WEAK, ClockClass.MOVES}):
        raise ContractError(
            f"formula {text!r} {'is' if moves else 'is not'} a share of core time that moves with the clock: its clock "
            f"class is {'weak or moves' if moves else 'neither weak nor moves'}, not {declared}"
        )
    in_uncore_clocks = any(Base.UNCORE_CLOCK in entry.unit.clocks for entry in events)
    if in_uncore_clocks is not (declared is ClockClass.UNCORE):
        raise ContractError(
            f"formula {text!r} is declared {declared}, but "
            f"{'counts' if in_uncore_clocks else 'does not count'} in uncore clocks"
        )
