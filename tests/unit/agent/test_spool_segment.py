"""The spool's record format against every cut and every flipped bit."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.spool_segment import (
    HEADER_BYTES,
    VERSION,
    SegmentWriter,
    first_of,
    flush_directory,
    header,
    is_cut_short,
    path_of,
    record_of,
    records_in,
    version_of,
)

ASCII = st.text(st.characters(max_codepoint=127), max_size=40).map(str.encode)
PAYLOADS = st.lists(ASCII, min_size=1, max_size=8)


def _segment(payloads: list[bytes]) -> tuple[bytes, list[int]]:
    """A segment's bytes, and where each record begins; the last is where the segment ends."""
    content, places = header(), []
    for sequence, payload in enumerate(payloads):
        places.append(len(content))
        content += record_of(sequence, payload)
    return content, [*places, len(content)]


def _read(content: bytes) -> list[tuple[int, bytes]]:
    return [(record.sequence, record.payload) for record in records_in(content)]


@given(payloads=PAYLOADS)
def test_what_is_written_is_read(payloads: list[bytes]) -> None:
    content, places = _segment(payloads)
    assert _read(content) == list(enumerate(payloads))
    assert [(record.start, record.end) for record in records_in(content)] == list(pairwise(places))


@given(payloads=PAYLOADS, data=st.data())
def test_a_cut_anywhere_leaves_what_lies_before_it_and_nothing_else(payloads: list[bytes], data: st.DataObject) -> None:
    content, places = _segment(payloads)
    cut = data.draw(st.integers(0, len(content)))
    whole = sum(end <= cut for end in places[1:])
    assert _read(content[:cut]) == list(enumerate(payloads))[:whole]
    if cut >= HEADER_BYTES:
        assert is_cut_short(content[places[whole] : cut])


@given(payloads=PAYLOADS, data=st.data())
def test_a_flipped_bit_costs_its_own_record_alone(payloads: list[bytes], data: st.DataObject) -> None:
    content, places = _segment(payloads)
    place = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    unharmed = [
        (sequence, payload)
        for sequence, payload in enumerate(payloads)
        if not places[sequence] <= place < places[sequence + 1]
    ]
    assert _read(bytes(flipped)) == unharmed
    assert version_of(bytes(flipped)) == (None if place < HEADER_BYTES else VERSION)


@given(payloads=PAYLOADS, noise=st.binary(max_size=60), data=st.data())
def test_bytes_of_no_record_are_passed_over(payloads: list[bytes], noise: bytes, data: st.DataObject) -> None:
    content, places = _segment(payloads)
    place = data.draw(st.sampled_from(places))
    assert _read(content[:place] + noise + content[place:]) == list(enumerate(payloads))


@given(content=st.binary(max_size=200))
def test_noise_is_no_record(content: bytes) -> None:
    assert _read(content) == []
    assert _read(record_of(3, b"x")[:4] + content) == []


def test_zeros_behind_the_last_record_are_an_append_that_was_cut_and_other_bytes_are_not() -> None:
    assert is_cut_short(bytes(100))
    assert not is_cut_short(b"x")
    assert not is_cut_short(record_of(1, b"{}")[:-1] + b"!")


@given(version=st.integers(0, 2**32 - 1))
def test_a_header_names_its_version(version: int) -> None:
    assert version_of(header(version) + b"what a later version likes") == version


def test_names_carry_the_first_number(tmp_path: Path) -> None:
    assert path_of(tmp_path, 42).name == "00000000000000000042.segment"
    assert first_of(path_of(tmp_path, 42)) == 42
    others = ["cursor", "42.segment", "0000000000000000004x.segment", f"{10**20 - 1}.segment", f"{'٤' * 20}.segment"]
    assert [first_of(tmp_path / name) for name in others] == [None] * len(others)


def test_a_writer_goes_on_behind_what_counts(tmp_path: Path) -> None:
    path = path_of(tmp_path, 0)
    writer = SegmentWriter(path, size=0)
    size = writer.append(record_of(0, b"first"))
    writer.close()
    path.write_bytes(path.read_bytes() + b"torn")
    writer = SegmentWriter(path, size=size)
    writer.append(record_of(1, b"second"))
    assert path.read_bytes() == header() + record_of(0, b"first") + record_of(1, b"second")
    assert not writer.is_deleted
    path.unlink()
    assert writer.is_deleted
    writer.close()


def test_a_directory_that_is_none_can_not_be_flushed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        flush_directory(tmp_path / "file")
    with pytest.raises(IsADirectoryError):
        SegmentWriter(tmp_path, size=0)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
