"""The frequency guard: which formulas may not stand in the feature vector, decided by units alone.

Core frequency follows utilisation, not contention, so a feature that carries it teaches a model the wrong lesson. The
guard never looks at a feature's name. It works out the unit of a formula from the units of its events and refuses

1. an event that is itself a clock rate (a frequency);
2. a formula that sets core clocks (or reference clocks, or uncore clocks) against anything but their own kind, even
   where the units would cancel;
3. counts set against ticks or seconds, which are rates of work and follow the clock, however the unit is balanced;
4. a formula whose unit does not cancel: cycles per instruction, requests outstanding per request, counts per window;
5. sums of unlike things and logarithms that would hide a unit.

Only waiting times counted in uncore or DRAM clocks may keep a unit, under a logarithm.
"""

from enum import StrEnum

from contracts.errors import ContractError, FrequencyLeakError
from contracts.events import CLOCKS, DIMENSIONLESS, Base, Unit, event
from contracts.formula import Counter, Logarithm, Node, Number, Operation, events_of, parse

_WAITS = (Unit.of(Base.DRAM_CLOCK), Unit.of(Base.UNCORE_CLOCK))
_TICKS = tuple(Unit.of(clock) for clock in CLOCKS)


class ClockClass(StrEnum):
    """What the core clock does to a feature.

    ``free``: no core-clock term left. ``weak`` and ``moves``: a share of core cycles that moves a little with the clock,
    since memory takes a constant number of nanoseconds. ``uncore``: counted in uncore clocks.
    """

    FREE = "free"
    WEAK = "weak"
    MOVES = "moves"
    UNCORE = "uncore"


def unit_of(node: Node, text: str) -> Unit:
    """The unit of a formula.

    Raises:
        ContractError: an event has no unit.
        FrequencyLeakError: unlike things are added, or a logarithm hides a unit.
    """
    match node:
        case Number():
            return DIMENSIONLESS
        case Counter(event=name):
            return event(name).unit
        case Logarithm(plus_one=plus_one, argument=argument):
            _refuse_hiding_logarithm(argument, plus_one=plus_one, text=text)
            return DIMENSIONLESS
        case Operation(operator="*", left=left, right=right):
            return unit_of(left, text) * unit_of(right, text)
        case Operation(operator="/", left=left, right=right):
            return unit_of(left, text) / unit_of(right, text)
        case Operation(left=left, right=right):
            left_unit, right_unit = unit_of(left, text), unit_of(right, text)
            if left_unit != right_unit:
                raise FrequencyLeakError(
                    f"formula {text!r} adds [{left_unit}] to [{right_unit}]: bring both to one unit first"
                )
            return left_unit


def _refuse_hiding_logarithm(argument: Node, *, plus_one: bool, text: str) -> None:
    unit = unit_of(argument, text)
    is_wait = unit in _WAITS and not any(event(name).unit in _WAITS for name in events_of(argument))
    if unit != DIMENSIONLESS and (plus_one or not is_wait):
        raise FrequencyLeakError(
            f"formula {text!r} takes a logarithm of [{unit}], which would hide its unit: form a ratio first"
        )


def _refuse_clock_rates(names: frozenset[str], text: str) -> None:
    for name in sorted(names):
        powers = dict(event(name).unit.powers)
        is_rate_of_clock = powers.get(Base.SECOND, 0) < 0 and bool((CLOCKS - {Base.SECOND}) & powers.keys())
        if is_rate_of_clock:
            raise FrequencyLeakError(
                f"formula {text!r} reads {name}, a frequency [{event(name).unit}]: frequency is not a feature"
            )


def _refuse_mixed_clocks(names: frozenset[str], text: str) -> None:
    units = {event(name).unit for name in names}
    for clock in (Base.CORE_CLOCK, Base.REFERENCE_CLOCK):
        if any(clock in dict(unit.powers) for unit in units) and units != {Unit.of(clock)}:
            against = ", ".join(sorted(str(unit) for unit in units))
            raise FrequencyLeakError(
                f"formula {text!r} sets clocks against other things ({against}): {clock}s compare with {clock}s only"
            )


def _refuse_rates_of_counts(names: frozenset[str], text: str) -> None:
    counts = sorted(name for name in names if Base.COUNT in dict(event(name).unit.powers))
    ticks = sorted(name for name in names if event(name).unit in _TICKS)
    if counts and ticks:
        raise FrequencyLeakError(
            f"formula {text!r} sets counts ({', '.join(counts)}) against time ({', '.join(ticks)}): "
            "a rate of work follows the clock"
        )


def refuse_frequency(text: str, declared: ClockClass) -> None:
    """Refuse a formula that encodes the core clock, or whose declared clock class its events contradict.

    >>> refuse_frequency("CPU_CLK_UNHALTED.THREAD / CPU_CLK_UNHALTED.REF_TSC", ClockClass.FREE)
    Traceback (most recent call last):
    contracts.errors.FrequencyLeakError: formula 'CPU_CLK_UNHALTED.THREAD / CPU_CLK_UNHALTED.REF_TSC' sets clocks \
against other things (core clock, reference clock): core clocks compare with core clocks only

    Raises:
        FrequencyLeakError: as described in this module's text.
        ContractError: an event has no unit, or the declared class is not the events' own.
    """
    node = parse(text)
    names = events_of(node)
    _refuse_clock_rates(names, text)
    _refuse_mixed_clocks(names, text)
    _refuse_rates_of_counts(names, text)
    unit = unit_of(node, text)
    if unit != DIMENSIONLESS:
        raise FrequencyLeakError(
            f"formula {text!r} is left with the unit [{unit}]: a feature is a ratio of like things"
        )
    _refuse_wrong_class(names, text, declared)


def _refuse_wrong_class(names: frozenset[str], text: str, declared: ClockClass) -> None:
    awaits_memory = any(event(name).awaits_memory for name in names)
    in_uncore_clocks = any(base is Base.UNCORE_CLOCK for name in names for base, _ in event(name).unit.powers)
    if awaits_memory and declared not in {ClockClass.WEAK, ClockClass.MOVES}:
        raise ContractError(
            f"formula {text!r} is a share of core cycles spent waiting: its clock class is weak or moves, not {declared}"
        )
    if in_uncore_clocks is not (declared is ClockClass.UNCORE):
        raise ContractError(
            f"formula {text!r} is declared {declared}, but "
            f"{'counts' if in_uncore_clocks else 'does not count'} in uncore clocks"
        )
