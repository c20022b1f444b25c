"""``leeward train``: here, or there, but said which; and what is said of a training."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.main import app
from cli.train import show_outcome
from contracts.axis import Axis
from contracts.profile import Tier
from pipelines.engine import Engine, EngineName
from pipelines.figures import HeldOutFigures
from pipelines.gate import CoverageCheck, GateDecision, HeldOutCheck
from pipelines.local_run import TrainingOutcome
from pipelines.report import TrainingReport
from pipelines.settings import TrainingSettings
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


def test_a_submission_on_dask_needs_to_know_the_scheduler() -> None:
    options = ["--submit", "--host", "http://kubeflow.example", "--mlflow", "http://mlflow.example:5000"]
    result = CliRunner().invoke(app, ["train", *options, "--engine", "dask"])
    assert result.exit_code == 2
    assert "--submit --engine dask needs --scheduler" in result.stderr


def test_a_submission_hands_on_the_engine() -> None:
    with kubeflow() as server:
        options = ["--submit", "--host", server.host, "--mlflow", "http://mlflow.example:5000"]
        asked = ["--engine", "dask", "--scheduler", "tcp://dask.example:8786"]
        result = CliRunner().invoke(app, ["train", *options, *asked])
    assert result.exit_code == 0, result.output
    (run,) = server.runs
    told = Engine.from_json(run["runtime_config"]["parameters"]["engine"])
    assert told == Engine(name=EngineName.DASK, scheduler="tcp://dask.example:8786")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--engine", "spark"], "Engine is refused: name: Input should be 'local' or 'dask'"),
        (["--dask-workers", "2"], "are of the dask engine: name it as well"),
    ],
    ids=["unknown", "workers of none"],
)
def test_an_engine_that_is_none_is_refused_before_anything_runs(
    options: list[str], complaint: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["train", "--local", "--state", str(tmp_path / "state"), *options])
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert not (tmp_path / "state").exists()


def test_a_token_that_is_not_there_is_named(tmp_path: Path) -> None:
    options = ["--submit", "--host", "http://kubeflow.example", "--mlflow", "http://mlflow.example:5000"]
    result = CliRunner().invoke(app, ["train", *options, "--token-file", str(tmp_path / "absent")])
    assert result.exit_code == 1
    assert "absent" in result.stderr


def test_options_win_over_the_file_of_settings_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(TrainingSettings(rate=0.7, folds=4, resamples=300).to_json())
    with kubeflow() as server:
        options = ["--submit", "--host", server.host, "--mlflow", "http://mlflow.example:5000"]
        asked = ["--settings", str(tmp_path / "settings.json"), "--rate", "0.9", "--seed", "0"]
        result = CliRunner().invoke(app, ["train", *options, *asked])
    assert result.exit_code == 0, result.output
    (run,) = server.runs
    told = TrainingSettings.from_json(run["runtime_config"]["parameters"]["settings"])
    assert told == TrainingSettings(rate=0.9, folds=4, seed=0, resamples=300)


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        ("{}", ["--rate", "1"], "TrainingSettings is refused: rate: Input should be less than 1"),
        ("{}", ["--folds", "2"], "TrainingSettings is refused: folds: Input should be greater than or equal to 3"),
        ('{"rat": 0.9}', [], "TrainingSettings is refused: rat: Extra inputs are not permitted"),
        ("{", [], "TrainingSettings is refused: document: Invalid JSON"),
        (None, [], "settings.json"),
    ],
    ids=["rate", "folds", "unknown name", "torn file", "no file"],
)
def test_settings_that_are_none_are_refused_before_anything_runs(
    content: str | None, options: list[str], complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_text(content)
    result = CliRunner().invoke(
        app, ["train", "--local", "--state", str(tmp_path / "state"), "--settings", str(file), *options]
    )
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert not (tmp_path / "state").exists()


def outcome(*, groups: int, rate: float, refusals: tuple[str, ...]) -> TrainingOutcome:
    coverage = CoverageCheck(
        tier=Tier.PROBED,
        nominal=rate,
        asked=rate,
        coverage=0.913,
        lower=0.739,
        upper=1.0,
        binomial_lower=0.582,
        binomial_upper=0.987,
        groups=groups,
        held=True,
    )
    return TrainingOutcome(
        model="leeward",
        version="7",
        digest="sha256:" + "0" * 64,
        decision=GateDecision(
            promoted=not refusals,
            reasons=("there is no champion to compare with", *refusals),
            refusals=refusals,
            held_out=HeldOutCheck(groups=groups, not_held_out=(), held=True),
            coverage=(coverage,),
        ),
        figures=HeldOutFigures(figures=()),
        report=TrainingReport(
            traces=100,
            windows=50,
            groups=tuple(f"group-{index}" for index in range(groups)),
            judged=(Axis.LLC,),
            agreement=(),
            figures=(),
        ),
        settings=TrainingSettings(rate=rate),
        seconds={"train": 12.3},
    )


def said(outcome: TrainingOutcome, *, verbose: bool = False) -> str:
    text = io.StringIO()
    show_outcome(Console(file=text, width=200), outcome, verbose=verbose)
    return text.getvalue()


def test_a_training_says_how_bounds_held_what_refuses_and_where_the_rest_stands() -> None:
    refused = said(outcome(groups=10, rate=0.8, refusals=("bundle bytes 9 [exceeds] 8",)))
    assert [line.strip() for line in refused.splitlines()] == [
        "100 traces of 10 workload groups, joined with their vectors as of then; axes judged: llc",
        "victims never seen, known by probed: 91.3% of rows within their bounds, stated 80% "
        "(10 groups, 73.9% to 100.0%)",
        "leeward version 7 was not promoted (train 12 s)",
        "gate: refused: bundle bytes 9 [exceeds] 8",
        "every check of the gate: leeward models show 7",
    ]


def test_with_verbose_a_training_says_every_check_of_the_gate() -> None:
    told = said(outcome(groups=10, rate=0.8, refusals=()), verbose=True)
    assert "leeward version 7 is now champion" in told
    assert "gate: there is no champion to compare with" in told
    assert "leeward models show" not in told


@pytest.mark.parametrize(("groups", "rate", "hinted"), [(30, 0.8, True), (29, 0.8, False), (30, 0.9, False)])
def test_many_groups_support_a_higher_rate(groups: int, rate: float, hinted: bool) -> None:
    told = said(outcome(groups=groups, rate=rate, refusals=()))
    assert (f"{groups} groups support a higher rate: try --rate 0.9" in told) is hinted
