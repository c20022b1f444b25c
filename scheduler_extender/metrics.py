"""Counters in Prometheus' text format, version 0.0.4; a handful, so that no client library is needed."""

from collections.abc import Iterable
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "leeward_extender_"

Labels = tuple[tuple[str, str], ...]

COUNTERS = {
    "requests_total": "Requests by verb and HTTP status.",
    "request_seconds_total": "Seconds spent on requests, by verb.",
    "failures_total": "Requests that were answered neutrally because something failed, by verb.",
    "unknown_nodes_total": "Nodes asked about that have no NodeState.",
    "late_nodes_total": "Nodes that there was no time to predict within a request's budget.",
    "failed_nodes_total": "Nodes that policy ruled out for a pod.",
    "annotations_refused_total": "Requests whose pod has an annotation that can't be followed.",
    "files_refused_total": "NodeStates, pods and profiles that were torn or foreign.",
    "champions_refused_total": "Champions that could not be used.",
    "registry_failures_total": "Times that the registry of models could not be followed.",
    "champions_total": "Champions taken into use.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A value that goes up and down."""

    name: str
    text: str
    value: float


class Metrics:
    """Counts what keeps happening."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, Labels], float] = {}

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter of ``COUNTERS``.

        >>> metrics = Metrics()
        >>> metrics.count("requests_total", verb="filter", status="200")
        >>> metrics.value("requests_total", verb="filter", status="200")
        1.0
        """
        key = name, tuple(sorted(labels.items()))
        self._values[key] = self._values.get(key, 0.0) + amount

    def value(self, name: str, **labels: str) -> float:
        """A counter's value, 0 before its first event."""
        return self._values.get((name, tuple(sorted(labels.items()))), 0.0)

    def exposition(self, gauges: Iterable[Gauge] = ()) -> str:
        """All counters, and the gauges handed in."""
        lines: list[str] = []
        for name, text in COUNTERS.items():
            lines += [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} counter"]
            found = {labels: value for (counted, labels), value in self._values.items() if counted == name}
            lines += [
                f"{PREFIX}{name}{_braced(labels)} {value}" for labels, value in sorted((found or {(): 0.0}).items())
            ]
        for gauge in gauges:
            lines += [
                f"# HELP {PREFIX}{gauge.name} {gauge.text}",
                f"# TYPE {PREFIX}{gauge.name} gauge",
                f"{PREFIX}{gauge.name} {gauge.value}",
            ]
        return "\n".join(lines) + "\n"


def _braced(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""
