"""Wide tables: one row an interval, one column a quantity, as PCM writes them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval.traces.cells import CellError, Line, number
from eval.traces.errors import TableError
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.quantities import Quantities
from eval.traces.refusal import listed
from eval.traces.samples import Sample
from eval.traces.stamps import Stamps

BETWEEN_HEADERS = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where in a row things stand.

    Attributes:
        names: of all columns.
        time: places of the time's parts.
        quantities: by domain and the mapping's column, places of all columns that match.
        indicators: by party.
        phase: of the phase's name, if a column tells it.
    """

    names: tuple[str, ...]
    time: tuple[int, ...]
    quantities: Mapping[str, Mapping[str, tuple[int, ...]]]
    indicators: Mapping[str, int]
    phase: int | None

    @property
    def read(self) -> frozenset[str]:
        """Names of the columns that something is made of."""
        places = {place for columns in self.quantities.values() for found in columns.values() for place in found}
        places |= {*self.time, *self.indicators.values(), *(() if self.phase is None else (self.phase,))}
        return frozenset(self.names[place] for place in places)


def layout_of(header: Sequence[Line], mapping: MappingFile) -> Layout:
    """Find the mapping's columns in a table's header.

    Raises:
        TableError: the time, an indicator or the phase is not there, a column stands twice, or no quantity is there.
    """
    names = _names(header)
    quantities = {
        domain: {
            name: _matching(column.column.replace("{domain}", stands), names)
            for name, column in mapping.columns.items()
        }
        for domain, stands in mapping.table.domains.items()
    }
    if not any(found for columns in quantities.values() for found in columns.values()):
        raise TableError(
            f"the table has none of the mapping's columns; its header, {len(header)} line(s), says {listed(names)}"
        )
    label = mapping.label
    parties = label.parties if label is not None else {}
    judged = {key: party.indicator.column for key, party in parties.items() if party.indicator is not None}
    phase_column = label.phase_column if label is not None else None
    return Layout(
        names=names,
        time=tuple(_only(column, names, what="time") for column in mapping.time.columns),
        quantities=quantities,
        indicators={key: _only(column, names, what=f"indicator of {key}") for key, column in judged.items()},
        phase=None if phase_column is None else _only(phase_column, names, what="phase"),
    )


def _names(header: Sequence[Line]) -> tuple[str, ...]:
    width = max(len(line.cells) for line in header)
    rows = [(*line.cells, *[""] * (width - len(line.cells))) for line in header]
    return tuple(BETWEEN_HEADERS.join(cells) for cells in zip(*rows, strict=True))


def _matching(pattern: str, names: Sequence[str]) -> tuple[int, ...]:
    wanted = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
    found = tuple(place for place, name in enumerate(names) if wanted.fullmatch(name))
    if len(found) > 1 and "*" not in pattern:
        raise TableError(
            f"column {pattern!r} stands {len(found)} times in the header: which one is meant can't be told"
        )
    return found


def _only(name: str, names: Sequence[str], *, what: str) -> int:
    found = _matching(name.replace("*", "\0"), names)
    if not found:
        raise TableError(f"the {what} stands in {name!r}, which the header lacks; it says {listed(names)}")
    return found[0]


class WideRows:
    """Reads the rows of a wide table."""

    def __init__(self, layout: Layout, mapping: MappingFile, stamps: Stamps) -> None:
        self._layout = layout
        self._table = mapping.table
        self._stamps = stamps
        self._quantities = Quantities(mapping)

    def samples(self, line: Line) -> Iterator[Sample]:
        """One sample a domain.

        Raises:
            CellError: the row is torn, or a cell is no number or no time.
        """
        width = len(self._layout.names)
        cells = line.cells
        if len(cells) < width and any(self._layout.names[len(cells) :]):
            raise CellError(f"the row has {len(cells)} cells, the header {width} columns: it is torn")
        if any(cells[width:]):
            raise CellError(
                f"the row has {len(cells)} cells, the header {width} columns: cells are separated in another way"
            )
        cells = (*cells, *[""] * (width - len(cells)))
        time_ns = self._stamps.ns(" ".join(cells[place] for place in self._layout.time))
        indicators = {key: self._number(cells, place) for key, place in self._layout.indicators.items()}
        phase = "" if self._layout.phase is None else cells[self._layout.phase]
        for domain, columns in self._layout.quantities.items():
            readings = {name: [self._number(cells, place) for place in found] for name, found in columns.items()}
            yield Sample(
                line=line.number,
                time_ns=time_ns,
                domain=domain,
                phase=phase,
                amounts=self._quantities.amounts(readings),
                indicators=indicators,
            )

    def _number(self, cells: Sequence[str], place: int) -> float:
        return number(cells[place], self._table, where=f"column {self._layout.names[place]!r}")
