"""Rows of one campaign, node and domain, one after another: time goes forward, and no window stands twice.

Memory: one integer a window.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from contracts.trace import LabelledTrace
from eval.traces.row_check import RowError

DUPLICATE = "duplicated window"
BACKWARDS = "time goes backwards"
OVERLAP = "windows overlap"
DISAGREEMENT = "rows of one window disagree"


@dataclass(slots=True)
class _Series:
    """What was seen of one series: all starts, and the rows of the latest window."""

    starts: "array[int]" = field(default_factory=lambda: array("q"))
    first: LabelledTrace | None = None
    victims: set[str] = field(default_factory=set)


class SeriesCheck:
    """Takes the good rows in the order of the file."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], _Series] = {}

    def check(self, trace: LabelledTrace) -> None:
        """Refuse a row that does not go on where its series stands.

        Raises:
            RowError: its window was there before, begins earlier than the one before it or within it, or the rows of
                its window say different things of it.
        """
        series = self._series.setdefault((trace.campaign, trace.node, trace.domain), _Series())
        first = series.first
        if first is not None and trace.window_start_ns < first.window_start_ns:
            self._refuse_earlier(trace, series)
        if first is not None and trace.window_start_ns == first.window_start_ns:
            _refuse_disagreement(trace, first, series.victims)
        else:
            if first is not None and trace.window_start_ns < first.window_start_ns + first.window_length_ns:
                raise RowError(
                    OVERLAP,
                    f"its window begins at {trace.window_start_ns} ns, within the one of {first.window_start_ns} ns",
                    "windows of a domain follow one another; give the length in nanoseconds",
                )
            series.first = trace
            series.victims.clear()
            series.starts.append(trace.window_start_ns)
        series.victims.add(trace.victim.key)

    def _refuse_earlier(self, trace: LabelledTrace, series: _Series) -> None:
        place = bisect_left(series.starts, trace.window_start_ns)
        if series.starts[place] == trace.window_start_ns:
            raise RowError(
                DUPLICATE,
                f"the window of {trace.window_start_ns} ns stands before already, with later ones between",
                "leave the second copy out; rows of one window stand together",
            )
        raise RowError(
            BACKWARDS,
            f"its window begins at {trace.window_start_ns} ns, after one of {series.starts[-1]} ns in the same series",
            "sort by time, or find the row before it whose time jumped ahead",
        )


def _refuse_disagreement(trace: LabelledTrace, first: LabelledTrace, victims: set[str]) -> None:
    if trace.victim.key in victims:
        raise RowError(
            DUPLICATE,
            f"the window of {trace.window_start_ns} ns has a row of {trace.victim.key} already",
            "leave the second copy out",
        )
    if (trace.window_length_ns, trace.during, trace.injected) != (
        first.window_length_ns,
        first.during,
        first.injected,
    ) or (trace.groups != first.groups):
        raise RowError(
            DISAGREEMENT,
            f"it says other things of the window of {trace.window_start_ns} ns than the row of {first.victim.key}: "
            "length, vector, stressors or parties differ",
            "write all rows of a window from one measurement",
        )
