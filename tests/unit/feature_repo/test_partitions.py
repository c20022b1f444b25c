import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from feature_repo.partitions import append, key_of, keys_in, partition_of
from tests.unit.feature_repo.vectors import vector


def test_a_window_lies_in_the_hour_of_its_start() -> None:
    last_of_the_hour = vector(3600 - 5)
    assert partition_of(key_of(last_of_the_hour)) == Path("date=2026-03-01", "hour=00")
    assert partition_of(key_of(vector(3600))) == Path("date=2026-03-01", "hour=01")
    assert partition_of(key_of(vector(24 * 3600))) == Path("date=2026-03-02", "hour=00")


def test_each_hour_of_a_batch_gets_one_file(tmp_path: Path) -> None:
    vectors = [vector(start) for start in (0, 10, 3600, 3610, 7200)]
    append(vectors, history=tmp_path / "history", incoming=tmp_path / "incoming")
    files = sorted((tmp_path / "history").rglob("*.parquet"))
    assert [file.parent.name for file in files] == ["hour=00", "hour=01", "hour=02"]
    assert [pq.read_metadata(file).num_rows for file in files] == [2, 2, 1]
    assert keys_in(files[0].parent) == {key_of(vector(0)), key_of(vector(10))}
    assert list((tmp_path / "incoming").iterdir()) == []


def test_no_file_is_ever_rewritten(tmp_path: Path) -> None:
    append([vector(0)], history=tmp_path / "history", incoming=tmp_path / "incoming")
    (first,) = (tmp_path / "history").rglob("*.parquet")
    before = (first.stat().st_ino, first.read_bytes())
    append([vector(10)], history=tmp_path / "history", incoming=tmp_path / "incoming")
    assert len(list((tmp_path / "history").rglob("*.parquet"))) == 2
    assert (first.stat().st_ino, first.read_bytes()) == before


def test_a_file_is_whole_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCutError(Exception):
        pass

    def cut(descriptor: int) -> None:
        raise PowerCutError

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(PowerCutError):
        append([vector()], history=tmp_path / "history", incoming=tmp_path / "incoming")
    assert list((tmp_path / "history").rglob("*.parquet")) == []


def test_an_absent_partition_has_no_keys(tmp_path: Path) -> None:
    assert keys_in(tmp_path / "date=2026-03-01" / "hour=00") == frozenset()
