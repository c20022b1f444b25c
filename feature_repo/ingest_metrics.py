"""What the endpoint tells Prometheus of itself.

Plain numbers, made into metrics when Prometheus asks. Feast sets ``PROMETHEUS_MULTIPROCESS_DIR`` when it is imported,
and from then on ``prometheus_client``'s own counters are files that all registries share.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from feature_repo.compaction import CompactionReport
from feature_repo.report import IngestReport

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_WRITE_SECONDS = ("0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1.0", "2.0", "5.0", "10.0", "+Inf")
_WRITE_LIMITS = [float(limit) for limit in _WRITE_SECONDS]


class IngestMetrics(Collector):
    """Counts of one endpoint since its start. Its threads may count at the same time."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._vectors = Counter(written=0, repeated=0, refused=0)
        self._turned_away = Counter(full=0, store=0)
        self._batches = 0
        self._writes = [0] * len(_WRITE_SECONDS)
        self._write_seconds = 0.0
        self._merged_files = 0
        self._last_compaction = 0.0
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Have a gauge of something that is read when Prometheus asks."""
        self._gauges[name] = (text, read)

    def wrote(self, write: Callable[[], tuple[IngestReport, ...]]) -> tuple[IngestReport, ...]:
        """Write, and count what came of it."""
        began = time.perf_counter()
        reports = write()
        seconds = time.perf_counter() - began
        with self._counting:
            self._write_seconds += seconds
            self._writes[bisect_left(_WRITE_LIMITS, seconds)] += 1
            self._batches += len(reports)
            for report in reports:
                self._vectors["written"] += report.written
                self._vectors["repeated"] += report.repeated
                self._vectors["refused"] += len(report.refused)
        return reports

    def turned_away(self, reason: str) -> None:
        """A batch was answered 503, because all places are taken (``full``) or the ``store`` can't be written."""
        with self._counting:
            self._turned_away[reason] += 1

    def compacted(self, report: CompactionReport) -> None:
        """History was looked through."""
        with self._counting:
            self._merged_files += report.merged
            self._last_compaction = time.time()

    def exposition(self) -> bytes:
        """The text that a scrape gets."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """All metrics, now."""
        with self._counting:
            yield _counter("vectors", "Vectors, by what became of them.", self._vectors, label="outcome")
            yield _counter("batches", "Batches that were acknowledged.", {"": self._batches})
            yield _counter("turned_away", "Batches answered 503, by the reason.", self._turned_away, label="reason")
            yield _counter("merged_files", "Files of history merged into larger ones.", {"": self._merged_files})
            yield HistogramMetricFamily(
                "leeward_ingest_write_seconds",
                "Time that a write took, for all batches that shared it.",
                buckets=list(zip(_WRITE_SECONDS, accumulate(self._writes), strict=True)),
                sum_value=self._write_seconds,
            )
            yield _gauge(
                "last_compaction_seconds", "When history was last looked through, Unix time.", self._last_compaction
            )
        for name, (text, read) in self._gauges.items():
            yield _gauge(name, text, read())


def _counter(name: str, text: str, counts: dict[str, int], *, label: str = "") -> Metric:
    family = CounterMetricFamily(f"leeward_ingest_{name}", text, labels=[label] if label else [])
    for value, count in counts.items():
        family.add_metric([value] if label else [], count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"leeward_ingest_{name}", text, value=value)
