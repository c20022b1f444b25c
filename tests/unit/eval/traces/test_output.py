import contextlib
from pathlib import Path

import pytest

from eval.traces.errors import DatasetError
from eval.traces.output import finished_directory


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_directory_is_there_once_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with finished_directory(out) as inner:
        (inner / "a").write_text("1")
        assert not out.exists()
    assert names(out) == {"a"}
    assert names(out.parent) == {"out"}


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with finished_directory(tmp_path / "out") as inner:
        (inner / "a").write_text("1")
    assert names(tmp_path / "out") == {"a"}


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), finished_directory(tmp_path / "out") as inner:
        (inner / "a").write_text("1")
        raise ZeroDivisionError
    assert names(tmp_path) == set()


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for taken in (tmp_path / "file", tmp_path / "file" / "out"):
        with (
            pytest.raises(DatasetError, match=r"is there already|can't be written: .*; name another directory"),
            finished_directory(taken),
        ):
            pass
