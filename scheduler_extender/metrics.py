"""What the extender counts, for Prometheus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from serving.exposition import Family, Kind, Labels, Sample, exposition

PREFIX = "leeward_extender_"

COUNTERS = {
    "requests_total": "Requests by verb and HTTP status.",
    "request_seconds_total": "Seconds spent on requests, by verb.",
    "failures_total": "Requests that were answered neutrally because something failed, by verb.",
    "unknown_nodes_total": "Nodes asked about that have no NodeState.",
    "late_nodes_total": "Nodes that there was no time to predict within a request's budget.",
    "failed_nodes_total": "Nodes that policy ruled out for a pod.",
    "placements_total": "Pods that were judged here and then bound, by whether they were only looked at.",
    "decision_failures_total": "Times that decisions could not be written down.",
    "annotations_refused_total": "Requests whose pod has an annotation that can't be followed.",
    "files_refused_total": "NodeStates, pods, profiles and observations that were torn or foreign.",
    "champions_refused_total": "Champions that could not be used.",
    "api_server_failures_total": "Reasons why the API server could not be followed, each time that one came up.",
    "registry_failures_total": "Times that the registry of models could not be followed.",
    "profile_failures_total": "Times that the feature store's profiles could not be followed, or not all of them.",
    "champions_total": "Champions taken into use.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """What goes up and down, with one sample or several of different labels."""

    name: str
    text: str
    samples: tuple[Sample, ...]


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
        """All counters, and the gauges handed in, in Prometheus' text format."""
        return exposition((*self._counters(), *(_family_of(gauge) for gauge in gauges)))

    def _counters(self) -> Iterator[Family]:
        for name, text in COUNTERS.items():
            found = {labels: value for (counted, labels), value in self._values.items() if counted == name}
            samples = tuple(
                Sample(value=value, labels=labels) for labels, value in sorted((found or {(): 0.0}).items())
            )
            yield Family(name=PREFIX + name, kind=Kind.COUNTER, text=text, samples=samples)


def _family_of(gauge: Gauge) -> Family:
    return Family(name=PREFIX + gauge.name, kind=Kind.GAUGE, text=gauge.text, samples=gauge.samples)
