"""Rows on disk: in batches they are the same rows, a sample has as many of each group, and parts tell their clock."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.trace_arrow import to_arrow
from eval.errors import EvaluationError
from eval.heldout.traces import Traces, drawn_by_group, traces_in
from eval.traces.errors import DatasetError
from pipelines.dataset import COMPLETE_FILE, PROFILES_FILE, SETTINGS_FILE, TraceDataset, partition, write_dataset


@pytest.fixture
def traces(dataset: TraceDataset, tmp_path: Path) -> Traces:
    write_dataset(dataset, tmp_path)
    return traces_in(tmp_path)


def parts(dataset: TraceDataset, directory: Path, *, clocks: list[float], nodes: int, count: int) -> Path:
    """A campaign of so many parts beside the profile runs."""
    place = partition(directory, "clocked")
    place.mkdir(parents=True)
    (place / PROFILES_FILE).write_bytes(b"".join(profile.to_json() + b"\n" for profile in dataset.profiles))
    (place / SETTINGS_FILE).write_text(json.dumps({"clocks": clocks, "nodes": nodes}))
    (place / COMPLETE_FILE).write_text("{}")
    for number in range(count + 1):
        own = dataset.traces[number - 1 : number] if number else ()
        pq.write_table(to_arrow(own), place / f"part-{number:04d}.parquet")
    return place


def test_batches_are_all_rows_and_no_window_is_in_two(dataset: TraceDataset, traces: Traces) -> None:
    batches = list(traces.batches(20))
    assert len(batches) > 0
    assert tuple(trace for rows in batches for trace in rows.dataset.traces) == dataset.traces
    windows = [{(trace.node, trace.window_start_ns) for trace in rows.dataset.traces} for rows in batches]
    assert not any(one & other for one, other in pairwise(windows))


def test_the_whole_is_what_was_written_and_says_no_clock(dataset: TraceDataset, traces: Traces) -> None:
    rows = traces.whole()
    assert traces.rows == len(dataset.traces)
    assert rows.dataset.traces == dataset.traces
    assert np.isnan(rows.clocks).all()


def test_a_sample_has_as_many_rows_of_each_victims_group(dataset: TraceDataset, traces: Traces) -> None:
    rows = traces.sample(60, seed=1)
    counts = Counter(trace.victim.group for trace in rows.dataset.traces)
    assert sum(counts.values()) == 60
    assert set(counts.values()) == {10}
    places = [dataset.traces.index(trace) for trace in rows.dataset.traces]
    assert places == sorted(places)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60), st.integers(1, 80), st.integers(0, 9))
def test_what_is_drawn_is_drawn_once_and_small_groups_give_all(groups: list[str], rows: int, seed: int) -> None:
    drawn = drawn_by_group(np.array(groups), rows, np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == len(drawn) == min(rows, len(groups))
    have, all_of = Counter(groups[place] for place in drawn), Counter(groups)
    most = max(have.values())
    assert all(have[group] == all_of[group] or have[group] >= most - 1 for group in all_of)


def test_each_clock_setting_has_two_parts_a_node(dataset: TraceDataset, tmp_path: Path) -> None:
    parts(dataset, tmp_path, clocks=[0.8, 1.25], nodes=2, count=8)
    clocks = traces_in(tmp_path).whole().clocks
    assert clocks.tolist() == [0.8] * 4 + [1.25] * 4


def test_a_campaign_that_stopped_is_not_evaluated(dataset: TraceDataset, tmp_path: Path) -> None:
    (parts(dataset, tmp_path, clocks=[], nodes=1, count=2) / COMPLETE_FILE).unlink()
    with pytest.raises(EvaluationError, match="not whole"):
        traces_in(tmp_path)


def test_rows_without_profiles_are_refused(traces: Traces, tmp_path: Path) -> None:
    (tmp_path / PROFILES_FILE).unlink()
    with pytest.raises(EvaluationError, match="belong together"):
        traces_in(tmp_path)


def test_a_torn_file_is_named(traces: Traces, tmp_path: Path) -> None:
    (tmp_path / "traces.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(EvaluationError, match=r"traces\.parquet is torn"):
        traces_in(tmp_path)


def test_an_empty_directory_says_what_is_meant(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no labelled traces"):
        traces_in(tmp_path)


def test_a_files_digest_changes_with_its_rows(dataset: TraceDataset, traces: Traces, tmp_path: Path) -> None:
    before = traces.digest_of_files()
    write_dataset(TraceDataset(traces=dataset.traces[1:], profiles=dataset.profiles), tmp_path)
    assert traces_in(tmp_path).digest_of_files() != before
