from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sysfs import read_number, read_text


def test_text_comes_without_white_space_and_in_part_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b" one\ntwo \xff\n")
    assert read_text(path) == "one\ntwo \ufffd"
    assert read_text(path, at_most=4) == "one"


@pytest.mark.parametrize("content", [b"", b"-1", b"0x10", b"1 2", b"9" * 20, b"\xff", "\u0664".encode()])
def test_what_is_no_number_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert read_number(path) is None


@given(number=st.integers(0, 2**63 - 1))
def test_numbers_are_read(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    path = tmp_path_factory.getbasetemp() / "number"
    path.write_text(f"{number}\n")
    assert read_number(path) == number


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_cannot_be_read_says_which_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=str(tmp_path)) as caught:
        read_text(tmp_path / name)
    assert caught.value.filename == str(tmp_path / name)


def test_a_file_whose_reading_fails_is_named_too() -> None:
    """Opening works there, reading does not, and Python then knows no name."""
    with pytest.raises(OSError, match="/proc/self/mem") as caught:
        read_text(Path("/proc/self/mem"))
    assert caught.value.filename == "/proc/self/mem"
