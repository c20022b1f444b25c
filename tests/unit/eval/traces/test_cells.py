import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.traces.cells import LARGEST, CellError, lines_of, number
from eval.traces.errors import TableError
from eval.traces.sections import TableSection

PLAIN = TableSection(kind="wide", domains={"socket0": ""}, interval_seconds=1, window_seconds=1, missing=("", "N/A"))
GERMAN = PLAIN.model_copy(update={"decimal": ",", "delimiter": ";"})


@given(st.floats(min_value=0, max_value=1e18))
def test_any_number_reads_as_itself(value: float) -> None:
    assert number(repr(value), PLAIN, where="a") == value
    assert number(repr(value).replace(".", ","), GERMAN, where="a") == value


@pytest.mark.parametrize(
    "text", ["", "N/A", "nan", "NaN", "-nan", "inf", "-Infinity", "-1", "18446744073709551615", "1e300"]
)
def test_what_was_not_measured_or_can_not_have_been_is_missing(text: str) -> None:
    assert math.isnan(number(text, PLAIN, where="a"))


@pytest.mark.parametrize(
    "text", ["1,234", "1 234", "0x10", "1_000", "12:30", "203028(Total)", "<<<<<<< HEAD", "-", "\u0663", "1e", "--1"]
)
def test_anything_else_is_named(text: str) -> None:
    with pytest.raises(CellError, match=r"column .a. is .*: a number with '.' as decimal point is meant"):
        number(text, PLAIN, where="column 'a'")


@pytest.mark.parametrize("text", ["1.234,5", "1,234.5", "1.234.567"])
def test_thousands_are_not_guessed(text: str) -> None:
    for table in (PLAIN, GERMAN):
        with pytest.raises(CellError):
            number(text, table, where="a")


@given(st.text(max_size=20))
def test_no_text_gives_anything_but_a_count_missing_or_a_sentence(text: str) -> None:
    try:
        value = number(text, PLAIN, where="a")
    except CellError:
        return
    assert math.isnan(value) or 0 <= value < LARGEST


def test_lines_have_their_number_and_no_blanks(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"\xef\xbb\xbfa , b\r\n\r\n,,\r\n# c,d\r\n 1 ,2\r\n")
    table = PLAIN.model_copy(update={"comment": "#"})
    assert [(line.number, line.cells, line.is_comment) for line in lines_of(path, table)] == [
        (1, ("a", "b"), False),
        (4, ("# c,d",), True),
        (5, ("1", "2"), False),
    ]


@pytest.mark.parametrize(
    ("content", "encoding", "sentence"),
    [
        (b"a\n\xff\n", "utf-8", "is not written in utf-8: .*; set .table. encoding"),
        (b"a\n", "klingon", "encoding = 'klingon' is not known"),
        (b'a\n"b', "utf-8", "line 2, is torn or no table"),
        (b"a\n" + b"x" * 200_000, "utf-8", "is torn or no table: field larger"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes, encoding: str, sentence: str) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)
    with pytest.raises(TableError, match=sentence):
        list(lines_of(path, PLAIN.model_copy(update={"encoding": encoding})))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file or directory; name a file"):
        list(lines_of(tmp_path / "lost", PLAIN))
