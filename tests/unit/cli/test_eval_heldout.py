"""``leeward eval heldout``: what it takes, and what it says where that makes no sense."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.eval.heldout import made_up_table

TABLE, MAPPING = made_up_table.DATA / made_up_table.TABLE, made_up_table.DATA / made_up_table.MAPPING


def said(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["eval", "heldout", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    "arguments",
    [("--table", TABLE), ("--mapping", MAPPING), ("--table", TABLE, "--mapping", MAPPING, "--traces", TABLE.parent)],
)
def test_a_table_goes_with_its_mapping_and_without_traces(arguments: tuple[object, ...]) -> None:
    code, output = said(*arguments)
    assert code == 2
    assert "--table goes with --mapping" in output


def test_a_rate_is_of_models_that_are_made_here(tmp_path: Path) -> None:
    code, output = said("--state", tmp_path, "--rate", 0.9)
    assert code == 2
    assert "state what the training did" in output


def test_a_directory_without_traces_is_complained_of(tmp_path: Path) -> None:
    code, output = said("--traces", tmp_path)
    assert code == 1
    assert "no labelled traces in" in output


def test_a_mapping_without_phases_makes_no_traces(tmp_path: Path) -> None:
    unlabelled = tmp_path / "unlabelled.toml"
    unlabelled.write_text(MAPPING.read_text(encoding="utf-8").split("[label]")[0], encoding="utf-8")
    code, output = said("--table", TABLE, "--mapping", unlabelled)
    assert code == 1
    assert "makes no labelled trace of made-up.csv" in output


def test_a_rate_that_the_groups_do_not_support_is_refused_before_anything_is_fitted() -> None:
    code, output = said("--table", TABLE, "--mapping", MAPPING, "--rate", 0.95)
    assert code == 1
    assert "can't be calibrated over 5 workload group(s)" in output
