"""The agent's metrics as Prometheus reads them."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.delivery import DeliveryFigures
from agent.figures import Figures
from agent.metrics import DELIVERY, LOOP, MODEL_FETCH, PROCESS, PUBLISHING, SETTINGS, TABLES, TROUBLES, Metrics
from agent.model_fetch import FetchFigures
from agent.outlet import PublishFigures
from agent.own_process import own_process
from agent.pacing import Reason
from agent.settings import AgentSettings
from agent.spool import SpoolFigures
from agent.state import agent_version
from agent.troubles import Troubles
from tests.unit.agent.counted_node import count_windows, counted_node
from tests.unit.agent.fabricated_node import Node

Labelled = tuple[str, frozenset[tuple[str, str]]]


def read(metrics: Metrics) -> dict[Labelled, float]:
    """Values by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.exposition())
        for sample in family.samples
    }


def of(metric: str, /, **labels: str) -> Labelled:
    return metric if metric.startswith("process_") else f"leeward_agent_{metric}", frozenset(labels.items())


def test_names_are_declared_once_and_say_their_units() -> None:
    metrics = [metric for table in TABLES for metric in table]
    names = [metric.name for metric in metrics]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("leeward_agent_", "process_")) for name in names)
    assert all(metric.text.endswith(".") for metric in metrics)
    assert not [name for name in names if name.endswith(("_ms", "_ns", "_kib", "_percent"))]


def test_an_agent_that_was_just_started_has_something_to_say() -> None:
    metrics = Metrics()
    metrics.watch(LOOP, Figures().snapshot)
    values = read(metrics)
    version = next(dict(labels)["version"] for name, labels in values if name == "leeward_agent_build_info")
    assert version == agent_version()
    assert values[of("windows_total")] == 0
    assert not any("domain" in dict(labels) for _, labels in values)


def test_a_window_of_a_node_is_told_by_domain_and_source(tmp_path: Path) -> None:
    figures, judged = counted_node(tmp_path)
    metrics = Metrics()
    metrics.watch(LOOP, figures.snapshot)
    values = read(metrics)
    domain = judged.status.domains[0]
    assert values[of("windows_total")] == 1
    assert values[of("regime_info", domain=domain.name, regime=domain.regime.value)] == 1
    assert values[of("features_present", domain=domain.name)] == sum(value is not None for value in domain.features)
    assert values[of("events_opened")] == judged.status.coverage.opened
    assert values[of("source_reads_total", source="uncore")] == 2
    assert values[of("remote_reads_total", source="perf")] > 0
    assert values[of("remote_reads_per_second")] == pytest.approx(
        values[of("remote_reads_total", source="perf")] / 10, rel=1e-3
    )


def test_counters_never_fall(tmp_path: Path) -> None:
    node, figures = Node(tmp_path), Figures()
    metrics = Metrics()
    metrics.watch(LOOP, figures.snapshot)
    before: dict[Labelled, float] = {}
    for number in (1, 2, 1):
        count_windows(node, figures, number=number)
        now = read(metrics)
        counters = {key: value for key, value in before.items() if key[0].endswith("_total")}
        assert all(now[key] >= value for key, value in counters.items())
        before = now
    assert before[of("windows_total")] == 4


def test_the_ceiling_is_told_as_it_is_set() -> None:
    metrics = Metrics()
    metrics.watch(SETTINGS, lambda: AgentSettings(node="n1", remote_reads_per_second=50.0))
    assert read(metrics)[of("remote_reads_per_second_ceiling")] == 50


def test_a_trouble_is_one_while_it_lasts_and_zero_once_it_has_passed() -> None:
    troubles = Troubles()
    metrics = Metrics()
    metrics.watch(TROUBLES, lambda: troubles)
    assert of("trouble", name="disk-full") not in read(metrics)
    troubles.tell("disk-full", "full")
    troubles.tell("disk-full", "still full")
    values = read(metrics)
    assert (values[of("trouble", name="disk-full")], values[of("troubles_told_total", name="disk-full")]) == (1, 2)
    troubles.clear("disk-full")
    values = read(metrics)
    assert (values[of("trouble", name="disk-full")], values[of("troubles_told_total", name="disk-full")]) == (0, 2)


def test_publishing_is_told_by_reason_and_by_age() -> None:
    seen = PublishFigures(written={Reason.FIRST: 1, Reason.HEARTBEAT: 7}, failures=3, last_written_at_seconds=None)
    metrics = Metrics()
    metrics.watch(PUBLISHING, lambda: seen)
    values = read(metrics)
    assert values[of("publishes_total", reason="heartbeat")] == 7
    assert values[of("publishes_total", reason="moved")] == 0
    assert values[of("publish_failures_total")] == 3
    assert of("last_publish_age_seconds") not in values
    seen = PublishFigures(written={}, failures=0, last_written_at_seconds=0.0)
    assert read(metrics)[of("last_publish_age_seconds")] > 0


def test_what_waits_for_ingest_and_what_the_model_server_said_are_told() -> None:
    metrics = Metrics()
    spool = SpoolFigures(waiting=5, waiting_bytes=4096, held=1, dropped=2, damaged=3)
    metrics.watch(DELIVERY, lambda: DeliveryFigures(spool=spool, delivered=70, refused=1, batches=9, failures=4))
    metrics.watch(MODEL_FETCH, lambda: FetchFigures(asked=9, unchanged=7, fetched=1, failed=1))
    values = read(metrics)
    assert [values[of(f"spool_{name}")] for name in ("vectors", "bytes", "held_vectors")] == [5, 4096, 1]
    assert [values[of(f"spool_{name}_vectors_total")] for name in ("dropped", "damaged")] == [2, 3]
    assert [values[of(f"{name}_vectors_total")] for name in ("delivered", "refused")] == [70, 1]
    assert [values[of(f"{name}_total")] for name in ("delivered_batches", "delivery_failures")] == [9, 4]
    assert of("last_delivery_timestamp_seconds") not in values
    assert [values[of(f"model_{name}_total")] for name in ("polls", "unchanged", "fetches", "failures")] == [9, 7, 1, 1]


def test_the_process_is_told_under_the_names_that_dashboards_know() -> None:
    metrics = Metrics()
    metrics.watch(PROCESS, own_process)
    values = read(metrics)
    assert values[of("process_resident_memory_bytes")] > 1 << 20
    assert 0 < values[of("process_open_fds")] <= values[of("process_max_fds")]
    assert values[of("process_cpu_seconds_total")] > 0
