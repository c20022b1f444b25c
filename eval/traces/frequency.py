"""Columns that carry the core clock: refused by what tools call them, and by what they are measured in.

Core frequency follows utilisation, not contention. ``contracts.clock`` guards the contract's own formulas by units. A
foreign column says of itself that it is a share; that it is instructions per cycle stands only in its name. So here
names count, too. Ticks themselves are lawful where they become one of the contract's events, since the guard has seen
every formula that reads them.
"""

import re
from collections.abc import Mapping

from contracts.clock import refuse_frequency
from contracts.errors import ContractError
from contracts.events import CONSTANTS, DIMENSIONLESS, EVENTS, Unit
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import Constant, Counter, Logarithm, Node, Number, Operation, events_of, parse
from eval.traces.errors import MappingError

_NAMES = re.compile(
    r"""
    a?freq(uency)?\b | .*(_|\b)freq(uency)?\b | \w*freq\b   # PCM: FREQ, AFREQ, UncFREQ, CFREQ
  | .*[gmk]hz\W*                                            # turbostat: Avg_MHz, Bzy_MHz; perf's metric GHz
  | (.*(_|\b))?(phys)?(ipc|cpi)\b%?                         # instructions per cycle, however scaled
  | exec\b | inst(ructions)?nom\b%?                         # PCM: instructions per nominal cycle
  | (.*(_|\b))?[am]perf\b                                   # what the hardware tells the clock by
  | time\(ticks\)                                           # PCM: ticks of the time stamp counter
  | bus-cycles | ref-cycles | (msr/)?tsc/?                  # perf: reference clocks
  | busy% | utili[sz]ation%? | cpu%                         # what the clock follows
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NODE_PEAKS = frozenset({"NODE.DRAM_PEAK_BYTES_PER_SECOND", "NODE.WINDOW_SECONDS"})


def carries_frequency(column: str) -> bool:
    """Whether a column's name says that it carries the clock; the last part of ``group|name`` counts.

    >>> carries_frequency("Socket 0|AFREQ"), carries_frequency("Socket 0|L3MISS")
    (True, False)
    """
    return any(_NAMES.fullmatch(part.strip()) is not None for part in column.rsplit("|", 1))


def refuse_frequency_column(column: str, *, where: str) -> None:
    """Refuse a column by its name.

    Raises:
        MappingError: it carries the core clock.
    """
    if carries_frequency(column):
        raise MappingError(
            f"{where} maps {column!r}, which carries the core clock or what follows it: frequency follows utilisation, "
            "not contention, and is no feature; leave the column out"
        )


def refuse_foreign_event(name: str, formula: str, units: Mapping[str, Unit]) -> None:
    """Refuse an event of a mapping: one that no feature reads, or whose formula has another unit than it.

    Args:
        name: the contract's event.
        formula: arithmetic over the mapping's columns.
        units: of the columns.

    Raises:
        MappingError: says which.
    """
    where = f"[events] {name}"
    if name not in FEATURE_SCHEMA_V1.events or name.startswith("NODE."):
        raise MappingError(
            f"{where}: no feature is made of it; the contract's events stand in docs/contracts.md, the node's ceilings "
            "in [node]"
        )
    found = unit_of(formula, units, where=where)
    foreign = sorted(events_of(parse(formula)) - units.keys())
    if foreign:
        raise MappingError(f"{where} = {formula!r} reads {foreign[0]}: an event is made of [columns] alone")
    if found != EVENTS[name].unit:
        raise MappingError(f"{where} = {formula!r} is in [{found}], the contract counts it in [{EVENTS[name].unit}]")


def refuse_foreign_feature(name: str, formula: str, units: Mapping[str, Unit]) -> None:
    """Refuse a feature of a mapping that is no ratio of like things, or that reads a clock.

    Where it is a formula over the contract's events alone, the contract's own guard has the last word.

    Raises:
        MappingError: the feature is not the contract's, its unit does not cancel, or it reads a clock.
    """
    where = f"[features] {name}"
    if name not in FEATURE_SCHEMA_V1.names:
        raise MappingError(f"{where}: no such feature; there are {', '.join(FEATURE_SCHEMA_V1.names)}")
    spec = FEATURE_SCHEMA_V1.features[FEATURE_SCHEMA_V1.index(name)]
    found = unit_of(formula, units, where=where)
    if found != DIMENSIONLESS:
        raise MappingError(
            f"{where} = {formula!r} is left with the unit [{found}]: a feature is a ratio of like things"
        )
    read = events_of(parse(formula))
    if read <= EVENTS.keys():
        try:
            refuse_frequency(formula, spec.clock)
        except ContractError as error:
            raise MappingError(f"{where}: {error}") from error
        return
    for term in sorted(read - _NODE_PEAKS):
        clocks = (units[term] if term in units else EVENTS[term].unit).clocks
        if clocks:
            raise MappingError(
                f"{where} = {formula!r} reads {term}, which ticks ({', '.join(sorted(clocks))}): map ticks to the "
                "contract's events, whose formulas the frequency guard has seen"
            )


def unit_of(formula: str, units: Mapping[str, Unit], *, where: str) -> Unit:
    """The unit of a formula over columns, the contract's events and the node's ceilings.

    Raises:
        MappingError: it is no arithmetic, names what is not there, or adds unlike things.
    """
    try:
        return _unit(parse(formula), units, where=f"{where} = {formula!r}")
    except ContractError as error:
        raise MappingError(f"{where}: {error}") from error


def _unit(node: Node, units: Mapping[str, Unit], *, where: str) -> Unit:
    match node:
        case Number():
            return DIMENSIONLESS
        case Constant(name=name):
            return CONSTANTS[name].unit
        case Counter(event=name) if name in units:
            return units[name]
        case Counter(event=name) if name in EVENTS:
            return EVENTS[name].unit
        case Counter(event=name):
            raise MappingError(f"{where} reads {name}, which is neither in [columns] nor an event of the contract")
        case Logarithm(argument=argument):
            if _unit(argument, units, where=where) != DIMENSIONLESS:
                raise MappingError(f"{where} takes a logarithm of something with a unit: form a ratio first")
            return DIMENSIONLESS
        case Operation(operator=operator, left=left, right=right):
            return _combined(operator, _unit(left, units, where=where), _unit(right, units, where=where), where=where)


def _combined(operator: str, left: Unit, right: Unit, *, where: str) -> Unit:
    if operator == "*":
        return left * right
    if operator == "/":
        return left / right
    if left != right:
        raise MappingError(f"{where} adds [{left}] to [{right}]: bring both to one unit first")
    return left
