"""``leeward train``: here, or there, but said which."""

import re
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app
from tests.unit.pipelines.kubeflow_stub import kubeflow


def test_neither_here_nor_there_is_refused_and_so_are_both() -> None:
    for options in ([], ["--local", "--submit"]):
        result = CliRunner().invoke(app, ["train", *options])
        assert result.exit_code == 2
        assert "give --local to train on this machine, or --submit" in result.stderr


def test_submitting_needs_to_know_where_kubeflow_and_mlflow_are() -> None:
    result = CliRunner().invoke(app, ["train", "--submit", "--host", "http://kubeflow.example"])
    assert result.exit_code == 2
    assert "--submit needs --host, Kubeflow Pipelines' URL, and --mlflow" in result.stderr


def test_a_submission_says_which_version_runs_and_where_its_page_is(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("open-sesame\n")
    with kubeflow(token="open-sesame") as server:
        options = ["--submit", "--host", server.host, "--mlflow", "http://mlflow.example:5000"]
        result = CliRunner().invoke(app, ["train", *options, "--token-file", str(tmp_path / "token")])
        again = CliRunner().invoke(
            app, ["train", *options, "--token-file", str(tmp_path / "token"), "--recurring", "0 0 3 * * *"]
        )
    assert result.exit_code == again.exit_code == 0, result.output + again.output
    version, run, address = result.stdout.splitlines()
    assert re.fullmatch(r"pipeline version leeward-training-[0-9a-f]{12} \(uploaded\)", version)
    assert (run, address) == ("run run-0", f"{server.host}/#/runs/details/run-0")
    assert "(known there already)\nrecurring run recurring_run-0, 0 0 3 * * *\n" in again.stdout


def test_a_token_that_is_not_there_is_named(tmp_path: Path) -> None:
    options = ["--submit", "--host", "http://kubeflow.example", "--mlflow", "http://mlflow.example:5000"]
    result = CliRunner().invoke(app, ["train", *options, "--token-file", str(tmp_path / "absent")])
    assert result.exit_code == 1
    assert "absent" in result.stderr
