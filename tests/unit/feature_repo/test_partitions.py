import os
import resource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.vector import FeatureVector
from feature_repo.partitions import (
    DamagedFileError,
    WindowKey,
    append,
    count_rows,
    keys_among,
    partition_of,
    read_whole,
)
from feature_repo.rows import from_rows, to_rows
from tests.unit.feature_repo.vectors import vector


def test_a_window_lies_in_the_hour_of_its_start() -> None:
    last_of_the_hour = vector(3600 - 5)
    assert partition_of(last_of_the_hour.window_start_ns) == Path("date=2026-03-01", "hour=00")
    assert partition_of(vector(3600).window_start_ns) == Path("date=2026-03-01", "hour=01")
    assert partition_of(vector(24 * 3600).window_start_ns) == Path("date=2026-03-02", "hour=00")


def test_each_hour_of_a_batch_gets_one_file(tmp_path: Path) -> None:
    vectors = [vector(start) for start in (0, 10, 3600, 3610, 7200)]
    append(to_rows(vectors), history=tmp_path / "history", incoming=tmp_path / "incoming")
    files = sorted((tmp_path / "history").rglob("*.parquet"))
    assert [file.parent.name for file in files] == ["hour=00", "hour=01", "hour=02"]
    assert [pq.read_metadata(file).num_rows for file in files] == [2, 2, 1]
    assert [from_rows(read_whole(file)) for file in files] == [tuple(vectors[:2]), tuple(vectors[2:4]), (vectors[4],)]
    assert list((tmp_path / "incoming").iterdir()) == []


def test_no_file_is_ever_rewritten(tmp_path: Path) -> None:
    append(to_rows([vector(0)]), history=tmp_path / "history", incoming=tmp_path / "incoming")
    (first,) = (tmp_path / "history").rglob("*.parquet")
    before = (first.stat().st_ino, first.read_bytes())
    append(to_rows([vector(10)]), history=tmp_path / "history", incoming=tmp_path / "incoming")
    assert len(list((tmp_path / "history").rglob("*.parquet"))) == 2
    assert (first.stat().st_ino, first.read_bytes()) == before


def test_a_file_is_whole_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCutError(Exception):
        pass

    def cut(descriptor: int) -> None:
        raise PowerCutError

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(PowerCutError):
        append(to_rows([vector()]), history=tmp_path / "history", incoming=tmp_path / "incoming")
    assert list((tmp_path / "history").rglob("*.parquet")) == []


def key_of(one: FeatureVector) -> WindowKey:
    return (one.node, one.domain, one.window_start_ns)


def not_damaged(file: Path, reason: str) -> None:
    raise AssertionError(f"{file}: {reason}")


def test_windows_are_found_in_their_hours_alone(tmp_path: Path) -> None:
    history = tmp_path / "history"
    there = [vector(start, node=node) for start in (0, 10, 3600) for node in ("node-a", "node-b")]
    append(to_rows(there), history=history, incoming=tmp_path / "incoming")
    append(to_rows([vector(20)]), history=history, incoming=tmp_path / "incoming")
    absent = [vector(30), vector(10, node="node-c"), vector(10, domain="socket1"), vector(90_000), vector(3610)]
    wanted = [key_of(one) for one in (*there, vector(20), *absent)]
    found = keys_among(wanted, history=history, set_aside=not_damaged)
    assert found == {key_of(one) for one in (*there, vector(20))}
    assert keys_among(wanted[:1], history=history, set_aside=not_damaged) == {wanted[0]}


def test_where_nothing_is_nothing_is_found(tmp_path: Path) -> None:
    assert keys_among([key_of(vector())], history=tmp_path, set_aside=not_damaged) == frozenset()


@settings(deadline=None, max_examples=150)
@given(
    cut=st.none() | st.integers(0, 12_000),
    bits=st.lists(st.tuples(st.integers(0, 12_000), st.integers(1, 255)), max_size=3),
)
def test_a_damaged_file_is_told_and_nothing_else_happens(
    tmp_path_factory: pytest.TempPathFactory, cut: int | None, bits: list[tuple[int, int]]
) -> None:
    """Whatever became of its bytes: it is read, or it is told, and read whole it has the rows that were written."""
    history = tmp_path_factory.mktemp("state") / "history"
    sent = [vector(start) for start in (0, 10, 20)]
    append(to_rows(sent), history=history, incoming=history.parent / "incoming")
    (file,) = history.rglob("*.parquet")
    content = bytearray(file.read_bytes())
    for place, bit in bits:
        content[place % len(content)] ^= bit
    file.write_bytes(content[:cut])
    damaged: list[Path] = []
    keys_among([key_of(one) for one in sent], history=history, set_aside=lambda path, _: damaged.append(path))
    assert damaged in ([], [file])
    try:
        count_rows(file)
        rows = read_whole(file)
    except DamagedFileError:
        return
    assert rows.num_rows == len(sent)


def test_what_is_no_file_of_history_is_told(tmp_path: Path) -> None:
    hour = tmp_path / partition_of(vector().window_start_ns)
    hour.mkdir(parents=True)
    pq.write_table(pa.table({"node": ["node-a"]}), hour / "foreign.parquet")
    damaged: list[str] = []
    keys_among([key_of(vector())], history=tmp_path, set_aside=lambda _, reason: damaged.append(reason))
    assert damaged == ["it has no column domain, window_start_ns"]


def test_a_machine_without_descriptors_is_no_damage(tmp_path: Path) -> None:
    history = tmp_path / "history"
    append(to_rows([vector()]), history=history, incoming=tmp_path / "incoming")
    (file,) = history.rglob("*.parquet")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            read_whole(file)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
