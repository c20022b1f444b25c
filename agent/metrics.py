"""The agent's metrics: what each is called, what it says, and which snapshot it is read from.

Whoever counts something gives a frozen snapshot of it; a table here turns it into Prometheus' families. Names are
declared nowhere else, and the table in ``docs/agent-operations.md`` is made from here.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agent.delivery import DeliveryFigures
from agent.figures import LoopFigures, SourceFigures
from agent.model_fetch import FetchFigures
from agent.outlet import PublishFigures
from agent.own_process import ProcessFigures
from agent.pacing import Reason
from agent.settings import AgentSettings
from agent.state import agent_version
from agent.troubles import Troubles
from contracts.features import FEATURE_SCHEMA_V1
from serving.exposition import Family, Kind, Sample, exposition

PREFIX = "leeward_agent_"

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[Seen]):
    """One metric, read from a snapshot of a type.

    Attributes:
        name: whole; a counter's ends in ``_total``.
        text: what it says, one sentence.
        labels: their names, in the order of ``values``.
        values: label values and value, from a snapshot.
    """

    name: str
    text: str
    labels: tuple[str, ...] = ()
    values: Callable[[Seen], Iterable[tuple[tuple[str, ...], float]]]

    @property
    def kind(self) -> Kind:
        """By Prometheus' naming."""
        return Kind.COUNTER if self.name.endswith("_total") else Kind.GAUGE

    def family(self, seen: Seen) -> Family:
        """The metric as a snapshot has it."""
        samples = tuple(
            Sample(value=value, labels=tuple(zip(self.labels, said, strict=True))) for said, value in self.values(seen)
        )
        return Family(name=self.name, kind=self.kind, text=self.text, samples=samples)


def plain(name: str, text: str, value: Callable[[Seen], float | None]) -> Metric[Seen]:
    """A metric without labels; ``None`` where there is nothing to say yet."""

    def values(seen: Seen) -> Iterator[tuple[tuple[str, ...], float]]:
        found = value(seen)
        if found is not None:
            yield (), found

    return Metric(name=PREFIX + name, text=text, values=values)


def labelled(
    name: str, text: str, labels: tuple[str, ...], values: Callable[[Seen], Iterable[tuple[tuple[str, ...], float]]]
) -> Metric[Seen]:
    """A metric with labels, and a value for each combination of theirs that there is."""
    return Metric(name=PREFIX + name, text=text, labels=labels, values=values)


def _by_source(name: str, text: str, value: Callable[[SourceFigures], float]) -> Metric[LoopFigures]:
    return labelled(name, text, ("source",), lambda seen: [((one,), value(figures)) for one, figures in seen.sources])


BUILD: tuple[Metric[str], ...] = (
    labelled(
        "build_info",
        "Always 1; the agent's version and the digest of its feature schema.",
        ("version", "feature_schema"),
        lambda version: [((version, FEATURE_SCHEMA_V1.digest), 1)],
    ),
)

SETTINGS: tuple[Metric[AgentSettings], ...] = (
    plain("sampling_period_seconds", "Between two samples, as set.", lambda seen: seen.sampling_period_seconds),
    plain("window_length_seconds", "What a vector covers, as set.", lambda seen: seen.window_seconds),
    plain("heartbeat_seconds", "The longest time between two NodeStates, as set.", lambda seen: seen.heartbeat_seconds),
    plain(
        "remote_reads_per_second_ceiling",
        "How many times a second other CPUs may be interrupted, as set.",
        lambda seen: seen.remote_reads_per_second,
    ),
)

LOOP: tuple[Metric[LoopFigures], ...] = (
    plain("windows_total", "Windows measured and judged.", lambda seen: seen.windows),
    plain("windows_seconds_total", "How long these windows were, together.", lambda seen: seen.window_seconds),
    plain("last_window_seconds", "How long the last window was.", lambda seen: seen.last_window_seconds or None),
    plain("vectors_total", "Feature vectors made.", lambda seen: seen.vectors),
    plain("rows_left_out_total", "Counter rows that a window could not believe.", lambda seen: seen.rows_left_out),
    plain("events_wanted", "Events that the contract's features are made of.", lambda seen: seen.events_wanted),
    plain("events_opened", "Those of them that this node counts.", lambda seen: seen.events_opened),
    plain("features", "Features of a whole vector.", lambda _: len(FEATURE_SCHEMA_V1)),
    labelled(
        "features_present",
        "Features of the domain's last vector that are no missing values.",
        ("domain",),
        lambda seen: [((domain.name,), domain.present) for domain in seen.domains],
    ),
    labelled(
        "regime_info",
        "Always 1; the domain's regime in the last window.",
        ("domain", "regime"),
        lambda seen: [((domain.name, domain.regime.value), 1) for domain in seen.domains],
    ),
    labelled(
        "model_info",
        "Always 1; the bundle that judged the last window. Absent without one.",
        ("digest",),
        lambda seen: [((seen.bundle_digest,), 1)] if seen.bundle_digest else [],
    ),
    _by_source("source_reads_total", "Reads of a source.", lambda seen: seen.reads),
    _by_source("source_read_seconds_total", "Time that these reads took.", lambda seen: seen.read_seconds),
    _by_source("source_last_read_seconds", "Time that the last read took.", lambda seen: seen.last_read_seconds),
    _by_source("source_unread_rows_total", "Counter rows that a read could not fill.", lambda seen: seen.unread_rows),
    _by_source("source_events_opened", "Events that the source counts.", lambda seen: seen.opened),
    _by_source("source_events_missing", "Events that it was asked for and does not count.", lambda seen: seen.missing),
    _by_source("source_groups", "Groups of counters that it has open.", lambda seen: seen.groups),
    _by_source("source_descriptors", "Descriptors that these take.", lambda seen: seen.descriptors),
    _by_source("remote_reads_total", "Times that the source interrupted another CPU.", lambda seen: seen.interruptions),
    plain(
        "remote_reads_per_second",
        "How many times a second the agent interrupted other CPUs, over the last window.",
        lambda seen: seen.interruptions_per_second,
    ),
)


def _lasting(troubles: Troubles) -> list[tuple[tuple[str, ...], float]]:
    present = {trouble.name for trouble in troubles.present}
    return [((name,), int(name in present)) for name in sorted({*troubles.counts, *present})]


TROUBLES: tuple[Metric[Troubles], ...] = (
    labelled(
        "trouble",
        "1 while the trouble lasts, 0 once it has passed; absent before it was first told.",
        ("name",),
        _lasting,
    ),
    labelled(
        "troubles_told_total",
        "How often the trouble was noticed.",
        ("name",),
        lambda seen: [((name,), count) for name, count in sorted(seen.counts.items())],
    ),
)


PUBLISHING: tuple[Metric[PublishFigures], ...] = (
    labelled(
        "publishes_total",
        "NodeStates written, by reason.",
        ("reason",),
        lambda seen: [((reason.value,), seen.written.get(reason, 0)) for reason in Reason],
    ),
    plain("publish_failures_total", "Writes of a NodeState that failed.", lambda seen: seen.failures),
    plain(
        "last_publish_age_seconds",
        "Time since a NodeState was last written; absent before the first.",
        lambda seen: _age(seen.last_written_at_seconds),
    ),
)

DELIVERY: tuple[Metric[DeliveryFigures], ...] = (
    plain("spool_vectors", "Vectors that wait for ingest, those in memory too.", lambda seen: seen.spool.waiting),
    plain("spool_bytes", "What they take, on disk and in memory.", lambda seen: seen.spool.waiting_bytes),
    plain("spool_held_vectors", "Those of them that are in memory alone.", lambda seen: seen.spool.held),
    plain("spool_dropped_vectors_total", "Vectors given up for want of room.", lambda seen: seen.spool.dropped),
    plain("spool_damaged_vectors_total", "Vectors on disk that were lost to damage.", lambda seen: seen.spool.damaged),
    plain("delivered_vectors_total", "Vectors that ingest has.", lambda seen: seen.delivered),
    plain("refused_vectors_total", "Vectors that ingest refused for good.", lambda seen: seen.refused),
    plain("delivered_batches_total", "Batches that ingest took.", lambda seen: seen.batches),
    plain("delivery_failures_total", "Batches that have to be sent again.", lambda seen: seen.failures),
    plain(
        "last_delivery_timestamp_seconds",
        "When ingest last took a batch, in seconds since 1970; absent before the first.",
        lambda seen: seen.last_success_seconds,
    ),
)

MODEL_FETCH: tuple[Metric[FetchFigures], ...] = (
    plain("model_polls_total", "Questions to the model server.", lambda seen: seen.asked),
    plain("model_unchanged_total", "Those of them answered by nothing new.", lambda seen: seen.unchanged),
    plain("model_fetches_total", "Bundles that came over the network and were accepted.", lambda seen: seen.fetched),
    plain(
        "model_failures_total", "Questions that came to nothing, refused bundles among them.", lambda seen: seen.failed
    ),
)


def _age(at_seconds: float | None) -> float | None:
    return None if at_seconds is None else time.monotonic() - at_seconds


def _of_process(name: str, text: str, value: Callable[[ProcessFigures], float]) -> Metric[ProcessFigures]:
    """Under the names that Prometheus' own clients use, which dashboards know."""
    return Metric(name=f"process_{name}", text=text, values=lambda seen: [((), value(seen))])


PROCESS: tuple[Metric[ProcessFigures], ...] = (
    _of_process("cpu_seconds_total", "User and system CPU time of the agent.", lambda seen: seen.cpu_seconds),
    _of_process("resident_memory_bytes", "Its physical memory.", lambda seen: seen.resident_bytes),
    _of_process("open_fds", "Descriptors that it has open.", lambda seen: seen.descriptors),
    _of_process("max_fds", "Descriptors that it may open.", lambda seen: seen.descriptor_limit),
    _of_process("start_time_seconds", "When it was started, in seconds since 1970.", lambda seen: seen.started_at),
)

TABLES: tuple[tuple[Metric[Any], ...], ...] = (
    BUILD,
    LOOP,
    SETTINGS,
    PUBLISHING,
    DELIVERY,
    MODEL_FETCH,
    TROUBLES,
    PROCESS,
)
"""All that an agent may say, in the order of the documentation."""


@dataclass(frozen=True, slots=True)
class _Watched(Generic[Seen]):
    metrics: Sequence[Metric[Seen]]
    look: Callable[[], Seen]

    def families(self) -> Iterator[Family]:
        seen = self.look()
        return (metric.family(seen) for metric in self.metrics)


class Metrics:
    """The metrics of one agent: tables, each with where its snapshots come from."""

    def __init__(self) -> None:
        self._watched: list[_Watched[Any]] = []
        self.watch(BUILD, agent_version)

    def watch(self, metrics: Sequence[Metric[Seen]], look: Callable[[], Seen]) -> None:
        """Say these from now on.

        Args:
            metrics: a table of this module.
            look: gives a snapshot; called at each scrape, in another thread than the loop's.
        """
        self._watched.append(_Watched(metrics, look))

    def exposition(self) -> str:
        """All of them in Prometheus' text format, as they are now."""
        return exposition(family for watched in self._watched for family in watched.families())
