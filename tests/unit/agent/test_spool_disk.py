"""The spool on disks that are full, read-only, damaged, cleared, of another version or in use."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.spool import SMALLEST_LIMIT_BYTES, Spool, SpoolFigures
from agent.spool_segment import header, path_of, record_of
from agent.troubles import Troubles
from tests.unit.agent.logged import logged_events
from tests.unit.agent.spool_contents import ALL, copied, drained, left_in, numbers, payloads, told
from tests.unit.serving.small_files import files_limited_to


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def spool(tmp_path: Path, troubles: Troubles) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", troubles=troubles)
    yield spool
    spool.close()


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_cut_of_the_last_file_anywhere_keeps_what_was_acknowledged_before(data: st.DataObject) -> None:
    appends = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=6))
    with TemporaryDirectory() as directory:
        path, ends = path_of(Path(directory), 0), []
        spool, count = Spool(Path(directory), troubles=Troubles()), 0
        for size in appends:
            spool.append(payloads(count, size))
            count += size
            ends.append((path.stat().st_size, count))
        spool.close()
        cut = data.draw(st.integers(0, path.stat().st_size))
        os.truncate(path, cut)
        troubles = Troubles()
        again = Spool(Path(directory), troubles=troubles)
        safe = max([number for end, number in ends if end <= cut], default=0)
        again.append(payloads(100))
        found = drained(again)
        assert found[:-1] == list(range(len(found) - 1))
        assert found[-1] == 100
        assert safe <= len(found) - 1 < safe + 3
        assert again.figures().damaged == 0
        assert told(troubles) == []
        again.close()


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_flipped_bit_anywhere_costs_one_vector_at_most_and_is_counted_once(data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        spool = Spool(Path(directory), troubles=Troubles(), limit_bytes=16_000)
        for first in range(0, 20, 4):
            spool.append(payloads(first, 4))
        spool.close()
        path = data.draw(st.sampled_from(sorted(Path(directory).glob("*.segment"))))
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        troubles = Troubles()
        again = Spool(Path(directory), troubles=troubles, limit_bytes=16_000)
        again.append(payloads(20))
        again.take(count=ALL, size_bytes=ALL)
        again.put_back()
        found = drained(again)
        lost = sorted(set(range(21)) - set(found))
        assert found == sorted(found)
        assert len(lost) <= 1
        assert again.figures() == SpoolFigures(damaged=len(lost))
        assert told(troubles) == ["spool-damaged"] * len(lost)
        again.close()


def test_a_lost_cursor_sends_again_what_is_there(spool: Spool, tmp_path: Path) -> None:
    spool.append(payloads(0, 4))
    spool.take(count=2, size_bytes=ALL)
    spool.acknowledge(2)
    for number, damaged in enumerate((b"", b"7 00000000", b"\xff", b"99999999999999999999 00000000\n")):
        left = copied(tmp_path / "spool", tmp_path / f"copy{number}")
        (left / "cursor").write_bytes(damaged)
        assert left_in(left) == [0, 1, 2, 3]


def test_what_a_kill_left_half_done_is_cleared_away(spool: Spool, tmp_path: Path) -> None:
    spool.append(payloads(0))
    left = copied(tmp_path / "spool", tmp_path / "copy")
    (left / ".cursor.k2j3").write_bytes(b"0000")
    path_of(left, 1).write_bytes(header()[:5])
    (left / "notes.txt").write_text("an administrator's")
    again = Spool(left, troubles=Troubles())
    again.append(payloads(1))
    assert drained(again) == [0, 1]
    assert {path.name for path in left.iterdir()} == {"lock", "cursor", "notes.txt", path_of(left, 1).name}


def test_a_spool_of_another_version_is_set_aside_and_the_last_such_kept(tmp_path: Path) -> None:
    for version in (2, 3):
        directory = tmp_path / "spool"
        directory.mkdir(exist_ok=True)
        path_of(directory, 7).write_bytes(header(version) + b"by another release")
        troubles = Troubles()
        with logged_events() as events:
            spool = Spool(directory, troubles=troubles)
            assert spool.append(payloads(0, 2))
        assert [event.name for event in events] == ["spool-set-aside"]
        assert troubles.present[0].sentence == (
            f"the spool was of another version: it lies in {directory}.set-aside and is not sent; let the release that "
            "wrote it send it, or delete it"
        )
        assert troubles.counts == {"spool-set-aside": 1}
        assert drained(spool) == [0, 1]
        assert path_of(tmp_path / "spool.set-aside", 7).read_bytes().startswith(header(version))
        spool.close()


def test_where_nothing_can_be_written_vectors_are_held_in_order_and_written_later(
    spool: Spool, tmp_path: Path, troubles: Troubles
) -> None:
    spool.append(payloads(0, 2))
    with logged_events() as events, files_limited_to(300):
        assert not spool.append(payloads(2, 3))
        assert not spool.append(payloads(5))
        assert path_of(tmp_path / "spool", 0).stat().st_size == 256, "what was written of them is cut off again"
    assert [event.name for event in events] == ["spool-unwritable"]
    assert troubles.present[0].sentence == (
        f"vectors can't be written to {tmp_path / 'spool'}: {os.strerror(errno.EFBIG)}; up to 2097152 bytes are held "
        "in memory, which a restart loses: make room there, or make it writable"
    )
    assert spool.figures().held == 4
    assert numbers(spool.take(count=9, size_bytes=ALL)) == [0, 1]
    spool.acknowledge(2)
    assert numbers(spool.take(count=3, size_bytes=ALL)) == [2, 3, 4]
    assert not spool.append(payloads(6)), "nothing overtakes what is being sent"
    spool.put_back()
    assert spool.append(payloads(7))
    assert told(troubles) == []
    assert left_in(copied(tmp_path / "spool", tmp_path / "copy")) == [2, 3, 4, 5, 6, 7]


def test_vectors_are_delivered_from_memory_while_nothing_can_be_written(spool: Spool) -> None:
    with files_limited_to(0):
        assert not spool.append(payloads(0, 4))
        assert numbers(spool.take(count=3, size_bytes=250)) == [0, 1]
        spool.acknowledge(1)
        spool.put_back()
        assert drained(spool) == [1, 2, 3]
        assert spool.figures() == SpoolFigures()


def test_memory_is_bounded_too(tmp_path: Path, troubles: Troubles) -> None:
    spool = Spool(tmp_path, troubles=troubles, held_limit_bytes=SMALLEST_LIMIT_BYTES)
    with files_limited_to(0):
        for number in range(100):
            spool.append(payloads(number))
        assert told(troubles) == ["spool-full", "spool-unwritable"]
        assert spool.figures() == SpoolFigures(waiting=40, waiting_bytes=4000, held=40, dropped=60)
    assert drained(spool) == list(range(60, 100))


def test_a_full_disk_is_lived_through(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a file system to fill; a limit on files stands in for it in other tests")
    try:
        troubles = Troubles()
        spool = Spool(disk / "spool", troubles=troubles, limit_bytes=1 << 20)
        safe = 0
        while spool.append(payloads(safe)):
            safe += 1
        assert os.strerror(errno.ENOSPC) in troubles.present[0].sentence
        for number in range(safe + 1, safe + 50):
            assert not spool.append(payloads(number))
        assert left_in(copied(disk / "spool", tmp_path / "copy")) == list(range(safe))
        assert drained(spool) == list(range(safe + 50))
        assert spool.append(payloads(0)), "what was delivered has made room"
        assert drained(spool) == [0]
        assert told(troubles) == []
        spool.close()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_directory_that_can_not_be_made_is_tried_again(tmp_path: Path, troubles: Troubles) -> None:
    (tmp_path / "state").touch()
    spool = Spool(tmp_path / "state/spool", troubles=troubles)
    assert told(troubles) == ["spool-unwritable"]
    assert not spool.append(payloads(0, 2))
    (tmp_path / "state").unlink()
    assert spool.append(payloads(2))
    assert told(troubles) == []
    assert drained(spool) == [0, 1, 2]


def test_two_agents_do_not_share_a_spool(spool: Spool, tmp_path: Path) -> None:
    spool.append(payloads(0))
    troubles = Troubles()
    other = Spool(tmp_path / "spool", troubles=troubles)
    assert not other.append(payloads(1))
    assert "another agent is using it" in troubles.present[0].sentence
    spool.close()
    assert other.append(payloads(2))
    assert drained(other) == [0, 1, 2]


def test_a_spool_that_somebody_deleted_is_made_anew(spool: Spool, tmp_path: Path, troubles: Troubles) -> None:
    spool.append(payloads(0, 3))
    spool.take(count=1, size_bytes=ALL)
    spool.acknowledge(1)
    shutil.rmtree(tmp_path / "spool")
    assert spool.append(payloads(3))
    assert spool.figures() == SpoolFigures(waiting=1, waiting_bytes=120 + len(header()), damaged=2)
    assert told(troubles) == ["spool-damaged"]
    assert drained(spool) == [3]
    assert spool.append(payloads(4))
    spool.close()
    assert left_in(tmp_path / "spool") == [4]


def test_segments_that_somebody_deleted_are_counted(tmp_path: Path, troubles: Troubles) -> None:
    spool = Spool(tmp_path, troubles=troubles, limit_bytes=16_000)
    for number in range(100):
        spool.append(payloads(number))
    segments = sorted(tmp_path.glob("*.segment"))
    second, last = segments[1], segments[-1]
    lost = [*range(int(second.stem), int(segments[2].stem)), *range(int(last.stem), 100)]
    second.unlink()
    last.unlink()
    spool.append(payloads(100))
    assert sorted([*drained(spool), *lost]) == list(range(101))
    assert spool.figures() == SpoolFigures(damaged=len(lost))
    spool.close()


def test_what_is_held_is_written_at_the_end_if_it_can_be(spool: Spool, tmp_path: Path, troubles: Troubles) -> None:
    with files_limited_to(0):
        spool.append(payloads(0, 3))
        spool.take(count=1, size_bytes=ALL)
    spool.close()
    assert left_in(tmp_path / "spool") == [0, 1, 2]


def test_a_cursor_that_can_not_be_written_is_told_and_costs_repeats_only(
    spool: Spool, tmp_path: Path, troubles: Troubles
) -> None:
    spool.append(payloads(0, 3))
    spool.take(count=2, size_bytes=ALL)
    with files_limited_to(0):
        spool.acknowledge(2)
    assert told(troubles) == ["spool-cursor-unwritable"]
    assert left_in(copied(tmp_path / "spool", tmp_path / "copy")) == [0, 1, 2]
    assert drained(spool) == [2]
    assert told(troubles) == []


def test_a_segment_without_a_whole_record_is_written_over(spool: Spool, tmp_path: Path) -> None:
    spool.append(payloads(0))
    left = copied(tmp_path / "spool", tmp_path / "copy")
    path_of(left, 1).write_bytes(header() + record_of(1, b"torn")[:-1])
    again = Spool(left, troubles=Troubles())
    again.append(payloads(1))
    assert drained(again) == [0, 1]
