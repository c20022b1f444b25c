import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.errors import StoreUnreachableError
from feature_repo.group_commit import ENOUGH_VECTORS, GroupCommit, Lines
from feature_repo.report import IngestReport


def report(written: int) -> IngestReport:
    return IngestReport(written=written, repeated=0, refused=(), advanced=0)


class Disk:
    """Writes what it is given, and remembers how; fails with what holds a bad line."""

    def __init__(self) -> None:
        self.writes: list[list[int]] = []
        self.may_write = threading.Event()
        self.may_write.set()

    def write(self, batches: Sequence[Lines]) -> list[IngestReport]:
        self.may_write.wait(timeout=30)
        self.writes.append([len(batch) for batch in batches])
        if any(b"bad" in batch for batch in batches):
            raise OSError("no room")
        return [report(len(batch)) for batch in batches]


def lines(count: int) -> list[bytes]:
    return [b"good"] * count


@given(sizes=st.lists(st.integers(0, 30), max_size=20), most=st.integers(1, 40))
def test_each_batch_hears_of_itself_in_whatever_company_it_was_written(sizes: list[int], most: int) -> None:
    disk = Disk()

    async def send() -> list[IngestReport]:
        commit = GroupCommit(disk.write, pause_seconds=0.0, most_vectors=most)
        return await asyncio.gather(*(commit.take(lines(size)) for size in sizes))

    assert asyncio.run(send()) == [report(size) for size in sizes]
    assert [size for group in disk.writes for size in group] == sizes
    assert all(sum(group) <= most or len(group) == 1 for group in disk.writes)


def test_what_comes_during_a_write_shares_the_next_one() -> None:
    disk = Disk()
    disk.may_write.clear()

    async def send() -> None:
        commit = GroupCommit(disk.write, pause_seconds=0.0)
        first = asyncio.create_task(commit.take(lines(1)))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(commit.take(lines(size))) for size in (2, 3)]
        await asyncio.sleep(0)
        disk.may_write.set()
        await asyncio.gather(first, *others)

    asyncio.run(send())
    assert disk.writes == [[1], [2, 3]]


def test_a_batch_that_fails_takes_no_other_with_it() -> None:
    disk = Disk()

    async def send() -> list[IngestReport | BaseException]:
        commit = GroupCommit(disk.write, pause_seconds=0.0)
        batches = [lines(1), [b"bad"], lines(3)]
        return await asyncio.gather(*(commit.take(batch) for batch in batches), return_exceptions=True)

    first, failed, last = asyncio.run(send())
    assert (first, last) == (report(1), report(3))
    assert isinstance(failed, OSError)


def test_where_everything_fails_not_every_batch_is_tried() -> None:
    disk = Disk()

    async def send() -> list[IngestReport | BaseException]:
        commit = GroupCommit(disk.write, pause_seconds=0.0)
        return await asyncio.gather(*(commit.take([b"bad"]) for _ in range(50)), return_exceptions=True)

    assert all(isinstance(outcome, OSError) for outcome in asyncio.run(send()))
    assert len(disk.writes) == 3


def test_while_a_server_is_away_no_batch_is_tried_by_itself() -> None:
    tried: list[int] = []

    def write(batches: Sequence[Lines]) -> list[IngestReport]:
        tried.append(len(batches))
        raise StoreUnreachableError("Redis can't be used")

    async def send() -> list[IngestReport | BaseException]:
        commit = GroupCommit(write, pause_seconds=0.0)
        return await asyncio.gather(*(commit.take(lines(1)) for _ in range(50)), return_exceptions=True)

    assert all(isinstance(outcome, StoreUnreachableError) for outcome in asyncio.run(send()))
    assert tried == [50]


def test_writes_go_on_after_a_failure() -> None:
    disk = Disk()

    async def send() -> IngestReport:
        commit = GroupCommit(disk.write, pause_seconds=0.0)
        with pytest.raises(OSError, match="no room"):
            await commit.take([b"bad"])
        return await commit.take(lines(2))

    assert asyncio.run(send()) == report(2)


def test_within_the_pause_batches_are_gathered_unless_enough_wait() -> None:
    disk = Disk()

    async def send() -> None:
        commit = GroupCommit(disk.write, pause_seconds=3600.0)
        await commit.take(lines(1))
        waiting = [asyncio.create_task(commit.take(lines(ENOUGH_VECTORS // 2))) for _ in range(2)]
        await asyncio.gather(*waiting)

    asyncio.run(send())
    assert disk.writes == [[1], [ENOUGH_VECTORS // 2] * 2]


def test_a_sender_that_has_gone_is_written_all_the_same() -> None:
    disk = Disk()
    disk.may_write.clear()

    async def send() -> IngestReport:
        commit = GroupCommit(disk.write, pause_seconds=0.0)
        gone = asyncio.create_task(commit.take(lines(1)))
        await asyncio.sleep(0.01)
        gone.cancel()
        disk.may_write.set()
        return await commit.take(lines(2))

    assert asyncio.run(send()) == report(2)
    assert disk.writes[0] == [1]
