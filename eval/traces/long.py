"""Long tables: one row a quantity, as ``perf stat -x, -I`` writes them; rows of one time and domain are one sample."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.window import MINIMUM_RUNNING_SHARE
from eval.traces.cells import CellError, Line, number
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.quantities import Quantities
from eval.traces.samples import Sample
from eval.traces.stamps import Stamps


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """The rows of one time and domain so far."""

    line: int
    time_ns: int
    phase: str
    readings: dict[str, list[float]] = field(default_factory=dict)
    indicators: dict[str, float] = field(default_factory=dict)


class LongRows:
    """Gathers rows into samples. Rows of one time stand together; those of its domains may be mixed.

    Attributes:
        names: events seen.
        read: those that something is made of.
    """

    def __init__(self, mapping: MappingFile, stamps: Stamps) -> None:
        self.names: dict[str, None] = {}
        self.read: set[str] = set()
        self._table = mapping.table
        self._places = {name: place for place, name in enumerate(mapping.table.fields)}
        self._fewest = 1 + max(self._places[name] for name in ("time", "value", "event"))
        self._phase_column = mapping.label.phase_column if mapping.label is not None else None
        self._domains = {stands: domain for domain, stands in mapping.table.domains.items()}
        self._columns = {
            (domain, column.column.replace("{domain}", stands).lower()): name
            for name, column in mapping.columns.items()
            for domain, stands in mapping.table.domains.items()
        }
        self._units = {name: column.unit for name, column in mapping.columns.items()}
        parties = mapping.label.parties if mapping.label is not None else {}
        self._judged = {
            party.indicator.column.lower(): key for key, party in parties.items() if party.indicator is not None
        }
        self._stamps = stamps
        self._quantities = Quantities(mapping)
        self._time = ""
        self._open: dict[str, _Gathered] = {}

    def samples(self, line: Line) -> Iterator[Sample]:
        """Take a row; yields the samples of the time before it once a new time begins.

        Raises:
            CellError: the row is torn, its value is no number, or its unit is another than the mapping's.
        """
        cells = line.cells
        if len(cells) < self._fewest:
            raise CellError(f"the row has {len(cells)} cells, {self._fewest} at least are meant: it is torn")
        event = self._cell(cells, "event")
        if not event and not self._cell(cells, "value"):
            return  # A further metric of the row before, which perf prints on a line of its own.
        time = self._cell(cells, "time")
        time_ns = self._stamps.ns(time)
        domain = self._domain(cells)
        name = self._columns.get((domain, event.lower()))
        value = self._value(cells, event, name)
        if time != self._time:
            yield from self.rest()
            self._time = time
        gathered = self._open.setdefault(
            domain,
            _Gathered(line=line.number, time_ns=time_ns, phase=self._cell(cells, self._phase_column or "")),
        )
        self._keep(gathered, event, name, value)

    def rest(self) -> Iterator[Sample]:
        """The samples of the last time."""
        gathered, self._open = self._open, {}
        for domain, each in gathered.items():
            yield Sample(
                line=each.line,
                time_ns=each.time_ns,
                domain=domain,
                phase=each.phase,
                amounts=self._quantities.amounts(each.readings),
                indicators={key: each.indicators.get(key, math.nan) for key in self._judged.values()},
            )

    def _keep(self, gathered: _Gathered, event: str, name: str | None, value: float) -> None:
        self.names[event] = None
        party = self._judged.get(event.lower())
        if name in gathered.readings or party in gathered.indicators:
            raise CellError(
                f"{event} stands twice at this time: let the tool sum its counters up, or leave one row out"
            )
        if name is not None:
            gathered.readings[name] = [value]
        if party is not None:
            gathered.indicators[party] = value
        if name is not None or party is not None:
            self.read.add(event)

    def _cell(self, cells: tuple[str, ...], field_name: str) -> str:
        place = self._places.get(field_name)
        return cells[place] if place is not None and place < len(cells) else ""

    def _domain(self, cells: tuple[str, ...]) -> str:
        stands = self._cell(cells, "domain")
        if stands not in self._domains:
            raise CellError(
                f"domain {stands[:40]!r} is not among [table.domains]: {', '.join(map(repr, self._domains))}"
            )
        return self._domains[stands]

    def _value(self, cells: tuple[str, ...], event: str, name: str | None) -> float:
        value = number(self._cell(cells, "value"), self._table, where=f"the value of {event[:80]!r}")
        running = self._cell(cells, "running_percent")
        if running and number(running, self._table, where="the share that it ran for") < 100 * MINIMUM_RUNNING_SHARE:
            return math.nan
        unit = self._cell(cells, "unit")
        if name is not None and unit and unit != self._units[name]:
            raise CellError(f"{event} is in {unit[:40]!r}, the mapping says {self._units[name]!r}")
        return value
