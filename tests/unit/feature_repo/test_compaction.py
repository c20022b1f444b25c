import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vector import FeatureVector
from feature_repo.compaction import (
    LARGE_ROWS,
    LATE_NS,
    MANY,
    MOST_ROWS,
    SMALL_ROWS,
    Compaction,
    CompactionReport,
    CountedFile,
    readers_lock,
    to_merge,
)
from feature_repo.damaged import count_damaged
from feature_repo.exchange import exchange
from feature_repo.history import VectorKey, vectors_as_of
from feature_repo.ingest import Ingest
from feature_repo.lock import shared
from feature_repo.partitions import HOUR_NS, partition_of
from feature_repo.rows import from_rows
from feature_repo.store import Store
from tests.unit.feature_repo.vectors import DAY_START_NS, vector

NOTHING = CompactionReport()
COUNTS = st.lists(st.integers(0, 300_000) | st.integers(0, 2000), max_size=80)


def stored(store: Store) -> list[FeatureVector]:
    rows = from_rows(ds.dataset(store.history, format="parquet").to_table())
    return sorted(rows, key=lambda one: (one.node, one.domain, one.window_start_ns))


def files(store: Store) -> list[Path]:
    return sorted(store.history.glob("date=*/hour=*/*.parquet"))


def fill(store: Store, starts: range) -> list[FeatureVector]:
    """One file for each window, which has two domains."""
    ingest = Ingest(store)
    for start in starts:
        ingest.accept([vector(start, domain=domain) for domain in ("socket1", "socket0")])
    return [vector(start, domain=domain) for domain in ("socket0", "socket1") for start in starts]


def test_a_past_hour_becomes_one_sorted_file(store: Store) -> None:
    sent = fill(store, range(0, 5400, 600))
    assert len(files(store)) == 9
    assert Compaction(store).run() == CompactionReport(merged=9, made=2)
    assert [file.parent.name for file in files(store)] == ["hour=00", "hour=01"]
    assert stored(store) == sent
    first = pq.read_table(files(store)[0])
    assert list(from_rows(first)) == sorted(from_rows(first), key=lambda one: (one.domain, one.window_start_ns))
    group = pq.read_metadata(files(store)[0]).row_group(0)
    assert group.column(0).statistics.min == "node-a"
    assert list(store.incoming.iterdir()) == []


def test_a_second_pass_does_nothing(store: Store) -> None:
    fill(store, range(0, 50, 10))
    compaction = Compaction(store)
    compaction.run()
    before = [(file, file.stat().st_ino) for file in files(store)]
    assert compaction.run() == compaction.run() == Compaction(store).run() == NOTHING
    assert [(file, file.stat().st_ino) for file in files(store)] == before


def test_repeats_are_found_in_merged_files_and_joins_read_them(store: Store) -> None:
    sent = fill(store, range(0, 50, 10))
    Compaction(store).run()
    report = Ingest(store).accept([*sent, vector(50)])
    assert (report.written, report.repeated) == (1, len(sent))
    keys = [VectorKey("node-a", "socket0", vector(start).window_end_ns) for start in range(0, 60, 10)]
    assert vectors_as_of(store, keys) == tuple(vector(start) for start in range(0, 60, 10))


def test_a_late_vector_does_not_have_a_large_file_rewritten(store: Store) -> None:
    fill(store, range(0, 500, 10))
    compaction = Compaction(store)
    compaction.run()
    (merged,) = files(store)
    Ingest(store).accept([vector(5)])
    assert compaction.run() == NOTHING
    Ingest(store).accept([vector(6)])
    assert compaction.run() == CompactionReport(merged=2, made=1)
    assert merged in files(store)


def test_the_running_hour_is_merged_when_files_are_many(store: Store) -> None:
    end_ns = DAY_START_NS + HOUR_NS
    running = Compaction(store, now_ns=lambda: end_ns + LATE_NS - 1)
    sent = fill(store, range(0, 10 * (MANY - 1), 10))
    assert running.run() == NOTHING
    sent += fill(store, range(3000, 3010, 10))
    assert running.run() == CompactionReport(merged=MANY, made=1)
    Ingest(store).accept([vector(3100), vector(3110)])
    assert running.run() == NOTHING
    assert Counter(stored(store)) == Counter([*sent, vector(3100), vector(3110)])


@given(counts=COUNTS, is_past=st.booleans())
def test_what_is_merged_is_bounded_and_leaves_little(counts: list[int], *, is_past: bool) -> None:
    there = [CountedFile(Path(str(place)), rows) for place, rows in enumerate(counts)]
    groups = list(to_merge(there, is_past=is_past))
    merged = [file for group in groups for file in group]
    assert len({file.path for file in merged}) == len(merged)
    for group in groups:
        assert len(group) > 1
        assert sum(file.rows for file in group) <= MOST_ROWS
        assert all(file.rows < (LARGE_ROWS if is_past else SMALL_ROWS) for file in group)


@given(counts=COUNTS)
def test_passes_over_a_past_hour_come_to_an_end(counts: list[int]) -> None:
    """With no two small files of like size left: some twenty at the most."""
    sizes = dict(enumerate(counts))
    passes = 0
    while groups := list(to_merge([CountedFile(Path(str(name)), rows) for name, rows in sizes.items()], is_past=True)):
        for group in groups:
            rows = sum(sizes.pop(int(file.path.name)) for file in group)
            sizes[max(sizes, default=0) + len(counts) + 1] = rows
        passes += 1
        assert passes < 100
    small = [rows for rows in sizes.values() if rows < LARGE_ROWS]
    assert len(small) <= 20


def test_a_damaged_file_is_set_aside_and_the_others_are_merged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    fill(store, range(0, 40, 10))
    flipped, cut, *_ = files(store)
    lost = [*from_rows(pq.read_table(flipped)), *from_rows(pq.read_table(cut))]
    content = bytearray(flipped.read_bytes())
    content[200] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-1])
    assert Compaction(store).run() == CompactionReport(merged=2, made=1, damaged=2)
    assert count_damaged(store) == 2
    assert {record.message for record in caplog.records} == {"damaged-file-set-aside"}
    assert not set(lost) & set(stored(store))
    assert len(stored(store)) == 4
    assert Ingest(store).accept(lost).written == len(lost)
    assert len(stored(store)) == 8


def test_what_a_killed_process_left_is_cleared_away(store: Store) -> None:
    sent = fill(store, range(0, 20, 10))
    (store.incoming / "half.parquet").write_bytes(b"PAR1")
    left = store.incoming / "successor"
    left.mkdir()
    (left / "old.parquet").write_bytes(b"PAR1")
    Compaction(store).run()
    assert list(store.incoming.iterdir()) == []
    assert stored(store) == sent


def test_an_hour_with_something_foreign_in_it_is_left_as_it_is(store: Store) -> None:
    sent = fill(store, range(0, 20, 10))
    foreign = store.history / partition_of(DAY_START_NS) / "notes"
    foreign.mkdir()
    before = files(store)
    assert Compaction(store).run() == NOTHING
    assert files(store) == before
    foreign.rmdir()
    (foreign.parent / "notes.txt").write_text("somebody's")
    assert Compaction(store).run().made == 1
    assert (foreign.parent / "notes.txt").read_text() == "somebody's"
    (foreign.parent / "notes.txt").unlink()
    assert stored(store) == sent


def test_directories_change_places(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchange(tmp_path / "one", tmp_path / "other")
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["other"]
    with pytest.raises(FileNotFoundError, match="absent"):
        exchange(tmp_path / "one", tmp_path / "absent")


def test_a_reader_that_lists_an_hour_sees_each_window_once_while_it_is_merged(store: Store) -> None:
    """Also one that holds no lock: it may find a file gone, and then says so."""
    sent = Counter(fill(store, range(0, 300, 10)))
    over = threading.Event()
    seen: list[bool] = []
    gone: list[str] = []

    def read() -> None:
        while not over.is_set():
            with shared(readers_lock(store)):
                seen.append(Counter(stored(store)) >= sent)
            try:
                seen.append(max(Counter(stored(store)).values()) == 1)
            except FileNotFoundError as error:
                gone.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    compaction, ingest = Compaction(store), Ingest(store)
    for start in range(301, 361):
        ingest.accept([vector(start)])
        compaction.run()
    over.set()
    reader.join()
    assert len(seen) > 10
    assert all(seen)
    assert len(stored(store)) == sent.total() + 60


def test_killed_at_any_point_a_merge_loses_and_doubles_nothing(store: Store) -> None:
    chance = random.Random(3)
    sent = fill(store, range(0, 300, 10))
    for start in range(301, 341):
        sent.append(vector(start))
        Ingest(store).accept(sent[-1:])
        child = os.fork()
        if child == 0:
            Compaction(store).run()
            os._exit(0)
        time.sleep(chance.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with shared(readers_lock(store)):
            assert Counter(stored(store)) == Counter(sent)
    Compaction(store).run()
    assert Counter(stored(store)) == Counter(sent)
    assert list(store.incoming.iterdir()) == []
