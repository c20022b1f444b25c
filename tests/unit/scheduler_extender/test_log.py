"""One JSON object a line."""

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from scheduler_extender.metrics import Gauge, Metrics
from serving.exposition import Sample
from serving.json_lines import JsonLines


def line(fields: dict[str, str], error: BaseException | None = None) -> str:
    record = logging.LogRecord("leeward.extender", logging.WARNING, "f", 1, "champion-refused", None, None)
    record.fields = fields
    record.exc_info = None if error is None else (type(error), error, error.__traceback__)
    return JsonLines().format(record)


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_an_event_is_one_line_of_json(fields: dict[str, str]) -> None:
    text = line(fields)
    assert "\n" not in text
    assert json.loads(text).items() >= fields.items()
    if not {"level", "event"} & fields.keys():
        assert (json.loads(text)["level"], json.loads(text)["event"]) == ("warning", "champion-refused")


def test_a_traceback_stays_on_that_line() -> None:
    try:
        int("x")
    except ValueError as error:
        text = line({}, error)
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["traceback"]


def test_metrics_are_read_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.count("requests_total", verb="filter", status="200")
    metrics.count("requests_total", verb="filter", status="200")
    metrics.count("late_nodes_total", 12)
    text = metrics.exposition([Gauge(name="nodes", text="Nodes.", samples=(Sample(value=5000),))])
    assert text.endswith("leeward_extender_nodes 5000\n")
    assert 'leeward_extender_requests_total{status="200",verb="filter"} 2.0\n' in text
    assert "# TYPE leeward_extender_late_nodes_total counter\nleeward_extender_late_nodes_total 12.0\n" in text
