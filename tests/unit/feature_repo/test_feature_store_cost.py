"""What the benchmark of the feature store measures is what it says, at sizes of a second."""

from pathlib import Path

import numpy as np
import pytest

from contracts.trace_arrow import from_arrow
from feature_repo.history import latest_vectors
from feature_repo.partitions import HOUR_NS
from feature_repo.store import Store
from pipelines.dataset import read_dataset
from pipelines.errors import DataError
from tests.bench.fabricated_rows import (
    DOMAINS,
    START_NS,
    WINDOW_NS,
    block_of,
    blocks,
    fabricated_profiles,
    write_traces,
)
from tests.bench.feature_store_cost import Rows, day_table, online_table, rows_table, write_history
from tests.bench.joined_rows import joined
from tests.bench.materialised_day import HOURS, Materialised, materialised
from tests.bench.online_cost import PUSHED, READ, Latency, online_latencies
from tests.bench.own_process import Stretch, in_its_own_process
from tests.bench.validated_rows import validated

ROWS = 400
"""Of two nodes, a hundred windows on each of their domains."""


def test_fabricated_rows_keep_the_contract_and_carry_their_vectors() -> None:
    block = block_of(["node-a", "node-b"], windows=3, random=np.random.default_rng(2))
    rows, vectors = from_arrow(block.traces(fabricated_profiles())), block.vectors()
    said = dict(zip(vectors.window_keys(), vectors.values, strict=True))
    assert len(rows) == block.rows == 2 * len(DOMAINS) * 3
    assert len(said) == 2 * len(DOMAINS) * 4
    for row in rows:
        during = said[row.node, row.domain, row.window_start_ns]
        before = said[row.node, row.domain, row.window_start_ns - WINDOW_NS]
        assert np.array_equal(row.during_values, during, equal_nan=True)
        assert np.array_equal(row.before_values, before, equal_nan=True)


def test_as_many_rows_are_fabricated_as_are_asked_for() -> None:
    assert sum(block.rows for block in blocks(30_000)) == 30_000


def test_every_fabricated_row_is_joined_and_valid(tmp_path: Path) -> None:
    write_traces(tmp_path / "traces", ROWS)
    write_history(tmp_path / "state", ROWS)
    assert joined(tmp_path / "state", tmp_path / "traces").rows == ROWS
    assert validated(tmp_path / "traces").rows == ROWS
    assert len(read_dataset(tmp_path / "traces").traces) == ROWS


def test_a_row_whose_vector_is_not_in_history_stops_the_join(tmp_path: Path) -> None:
    write_traces(tmp_path / "traces", ROWS)
    write_history(tmp_path / "state", ROWS // 2)
    with pytest.raises(DataError, match="the feature store has no vector of them"):
        joined(tmp_path / "state", tmp_path / "traces")


def test_each_push_and_read_is_timed_at_each_size(store: Store) -> None:
    measured = online_latencies(store, rounds=2)
    assert set(measured) == {
        *((call, count) for call in ("push_online", "FeatureStore.push") for count in PUSHED),
        *((call, count) for call in ("latest_vectors", "ages_online", "get_online_features") for count in READ),
    }
    assert all(0.0 < each.p50_ms <= each.p99_ms for each in measured.values())
    found = latest_vectors(store, [(f"node-{node:05d}", DOMAINS[0]) for node in range(READ[-1])])
    assert all(vector is not None for vector in found)


def test_after_a_materialised_day_its_last_windows_are_online(store: Store) -> None:
    done = materialised(store, domains=4)
    assert (done.domains, done.rows % (4 * HOURS)) == (4, 0)
    (last,) = latest_vectors(store, [("node-00000", DOMAINS[1])])
    assert last is not None
    windows = done.rows // (4 * HOURS)
    assert last.window_start_ns == START_NS + (HOURS - 1) * HOUR_NS + (windows - 1) * WINDOW_NS


def test_the_tables_are_markdown() -> None:
    fast, slow = Latency(p50_ms=0.25, p99_ms=1.0), Latency(p50_ms=12.0, p99_ms=345.67)
    assert online_table({"one": {("push", 20): fast}, "two": {("push", 20): slow}}).splitlines() == [
        "| p50 / p99, ms | vectors | one | two |",
        "| --- | --- | --- | --- |",
        "| `push` | 20 | 0.2 / 1.0 | 12.0 / 345.7 |",
    ]
    day = day_table({"one": Materialised(rows=120_000, domains=1000, seconds=2.0)})
    assert day.splitlines()[2] == "| one | 120,000 | 1,000 | 2.0 | 60,000 |"
    stretch = Stretch(rows=1_000_000, seconds=50.0, imported_mib=150.0, peak_mib=600.4)
    rows = rows_table([Rows(joined=stretch, validated=stretch)])
    assert rows.splitlines()[2:] == [
        f"| {what} | 1,000,000 | 50.0 | 20,000 | 150 | 600 |" for what in ("joined", "validated")
    ]


def test_a_process_of_its_own_tells_its_last_line_and_why_it_failed(tmp_path: Path) -> None:
    (tmp_path / "told.json").write_text('{"rows":1}')
    assert in_its_own_process("json.tool", "--compact", tmp_path / "told.json") == {"rows": 1}
    with pytest.raises(RuntimeError, match=r"(?s)json\.tool failed:.*No such file"):
        in_its_own_process("json.tool", tmp_path / "nothing.json")
