"""What happened, out of a real feature store and the traces that a training reads."""

from datetime import timedelta
from pathlib import Path

import pytest

from eval.watch.evidence import StoredEvidence
from feature_repo.labels import write_labels
from feature_repo.profiles import write_profiles
from feature_repo.store import open_store
from pipelines.dataset import TraceDataset, dataset_directory, write_dataset
from tests.unit.eval.watch.site import BESIDE, KNOWN, MADE, hour_of

pytestmark = pytest.mark.slow  # Feast


def test_labels_and_profiles_are_those_of_the_store_and_fresh_windows_those_of_the_traces(tmp_path: Path) -> None:
    began = MADE + timedelta(days=1)
    rows = tuple(sorted(hour_of(began, 150.0, groups="pq"), key=lambda row: (row.window_start_ns, row.node)))
    store = open_store(tmp_path)
    write_profiles(store, [KNOWN["p"], BESIDE])
    write_labels(store, rows)
    evidence = StoredEvidence(tmp_path)
    begin_ns = round(began.timestamp()) * 1_000_000_000
    half = begin_ns + 1_800_000_000_000
    assert tuple(evidence.labels(begin_ns, half)) == rows[:2]
    assert tuple(evidence.labels(half, begin_ns + 3_600_000_000_000)) == rows[2:]
    found = evidence.profiles(rows)
    assert found == {KNOWN["p"].digest: KNOWN["p"], BESIDE.digest: BESIDE}
    assert evidence.fresh_windows(0) == {}, "there are no traces yet"
    dataset = TraceDataset(traces=rows, profiles=(*KNOWN.values(), BESIDE))
    write_dataset(dataset, dataset_directory(tmp_path))
    assert evidence.fresh_windows(begin_ns) == {"p": 2, "q": 2}
    assert evidence.fresh_windows(half) == {"p": 1, "q": 1}
