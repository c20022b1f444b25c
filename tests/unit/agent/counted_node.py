"""A fabricated node whose loop is counted, window by window."""

from dataclasses import replace
from pathlib import Path

from agent.coverage import coverage_of
from agent.figures import Figures
from agent.judged import JudgedWindow, judge_window
from agent.readings import merge
from agent.sources.opening import opened
from agent.sources.protocol import Reading
from agent.timed_source import TimedSource
from agent.window import rows_left_out
from tests.unit.agent.fabricated_node import NOW, Node

WINDOW_SECONDS = 10.0


def count_windows(node: Node, figures: Figures, *, number: int = 1) -> JudgedWindow:
    """Open the node's sources, count windows of ten seconds, and close them; the last window."""
    sources = [TimedSource(source, figures) for source in node.sources]
    with opened(sources) as answers:
        first = merge([source.read() for source in sources])
        for _ in range(number):
            node.fake.advance(int(WINDOW_SECONDS * 1e9))
            last = _after_a_window(first, merge([source.read() for source in sources]))
            judged = judge_window(
                first,
                last,
                topology=node.topology,
                settings=node.settings,
                coverage=coverage_of(answers),
                now=NOW,
            )
            figures.finished(judged, rows_left_out=rows_left_out(first, last))
            first = last
    return judged


def _after_a_window(first: Reading, last: Reading) -> Reading:
    """The reading as of the fabricated time, which moved on by a window."""
    length_ns = int(WINDOW_SECONDS * 1e9)
    return replace(last, monotonic_ns=first.monotonic_ns + length_ns, wall_ns=first.wall_ns + length_ns)


def counted_node(root: Path) -> tuple[Figures, JudgedWindow]:
    """One window of a whole node, counted."""
    figures = Figures()
    return figures, count_windows(Node(root), figures)
