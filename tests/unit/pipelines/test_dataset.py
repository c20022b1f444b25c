"""Traces on disk: what is read is what was written, and what is torn or foreign is refused in one sentence."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.errors import ContractError
from pipelines.dataset import PROFILES_FILE, TRACES_FILE, TraceDataset, read_dataset, write_dataset
from pipelines.errors import DataError
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset


def test_what_is_read_is_what_was_written(dataset: TraceDataset, tmp_path: Path) -> None:
    assert write_dataset(dataset, tmp_path) == dataset.digest
    assert read_dataset(tmp_path) == dataset
    assert read_dataset(tmp_path).digest == dataset.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == [PROFILES_FILE, TRACES_FILE]


def test_the_digest_does_not_depend_on_order_but_on_every_row(dataset: TraceDataset) -> None:
    turned = TraceDataset(traces=dataset.traces[::-1], profiles=dataset.profiles[::-1])
    fewer = TraceDataset(traces=dataset.traces[1:], profiles=dataset.profiles)
    assert turned.digest == dataset.digest
    assert fewer.digest != dataset.digest
    assert dataset.simulated


def test_what_was_measured_on_another_cpu_is_not_trained_on(dataset: TraceDataset, tmp_path: Path) -> None:
    foreign = dataset.traces[0].model_copy(update={"campaign": "foreign:cascade-lake"})
    write_dataset(TraceDataset(traces=(*dataset.traces[1:], foreign), profiles=dataset.profiles), tmp_path)
    with pytest.raises(DataError, match=r"holds campaign foreign:cascade-lake, measured on a CPU that is not char"):
        read_dataset(tmp_path)


def test_a_profile_that_is_not_there_is_named(dataset: TraceDataset) -> None:
    named = {dataset.traces[0].victim.profile}
    others = tuple(profile for profile in dataset.profiles if profile.digest not in named)
    with pytest.raises(ContractError, match=r"row 0 names profile sha256:[0-9a-f]{64} of workload-0, which is not"):
        TraceDataset(traces=dataset.traces, profiles=others)


def test_a_row_that_stands_twice_is_refused(dataset: TraceDataset) -> None:
    with pytest.raises(ContractError, match=r"the row synthetic/node-0/socket0/\d+/workload-0 stands 2 times"):
        TraceDataset(traces=(*dataset.traces, dataset.traces[0]), profiles=dataset.profiles)


def test_an_empty_dataset_is_refused(dataset: TraceDataset) -> None:
    with pytest.raises(ContractError, match="run a characterisation campaign first"):
        TraceDataset(traces=(), profiles=dataset.profiles)


def test_a_missing_dataset_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"profiles\.jsonl is missing; run a campaign first"):
        read_dataset(tmp_path)


def test_torn_traces_are_refused(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path)
    content = (tmp_path / TRACES_FILE).read_bytes()
    (tmp_path / TRACES_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="is torn or no Parquet"):
        read_dataset(tmp_path)


def test_traces_of_another_contract_are_refused(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path)
    table = pq.read_table(tmp_path / TRACES_FILE)
    pq.write_table(table.replace_schema_metadata({b"leeward.labelled_trace": b"sha256:0"}), tmp_path / TRACES_FILE)
    with pytest.raises(ContractError, match="its contract is sha256:0"):
        read_dataset(tmp_path)


def test_a_second_dataset_replaces_the_first(dataset: TraceDataset, tmp_path: Path) -> None:
    other = synthetic_dataset(groups=4, mixes=3, seed=9)
    write_dataset(dataset, tmp_path)
    write_dataset(other, tmp_path)
    assert read_dataset(tmp_path).digest == other.digest
