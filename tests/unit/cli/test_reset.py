"""``leeward reset`` deletes what Leeward made, and nothing else."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.state import StateError, claim, is_ours, prepared

RUNNER = CliRunner()


def test_deletes_a_state_that_leeward_made(tmp_path: Path) -> None:
    state = prepared(tmp_path / "state")
    (state / "reports").mkdir()
    result = RUNNER.invoke(app, ["reset", "--state", str(state)])
    assert result.exit_code == 0
    assert not state.exists()


def test_refuses_a_directory_that_leeward_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    result = RUNNER.invoke(app, ["reset", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "Leeward did not make it" in result.output
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_state_that_does_not_exist_is_no_error(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["reset", "--state", str(tmp_path / "nowhere")])
    assert result.exit_code == 0
    assert "nothing to delete" in result.output


def test_a_directory_with_other_files_is_not_made_state(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(StateError, match="not Leeward's: name an empty or a new directory"):
        prepared(tmp_path)
    assert not is_ours(tmp_path)


def test_preparing_twice_keeps_what_is_there(tmp_path: Path) -> None:
    state = prepared(tmp_path / "state")
    (state / "kept").write_text("kept")
    assert prepared(tmp_path / "state") == state
    assert (state / "kept").read_text() == "kept"


def test_claiming_marks_an_empty_directory_and_leaves_others_as_they_are(tmp_path: Path) -> None:
    claim(tmp_path / "new")
    assert is_ours(tmp_path / "new")
    claim(tmp_path)
    assert not is_ours(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_state_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"can't be used as state: .*; name a writable directory"):
        claim(tmp_path / "file")
