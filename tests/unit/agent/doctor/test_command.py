from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.doctor.report import Report
from cli.agent_doctor import EXIT_BLIND, EXIT_INCOMPLETE, doctor


def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    app = typer.Typer()
    app.command()(doctor)
    return CliRunner().invoke(app, list(arguments), env=environment)


def test_the_report_of_this_machine_as_json_and_its_exit_code(tmp_path: Path) -> None:
    result = run("--output", "json", "--node", "n1", "--state", str(tmp_path))
    report = Report.from_json(result.stdout.encode())
    assert report.node == "n1"
    assert result.exit_code == (0 if report.is_complete else EXIT_INCOMPLETE)


def test_the_report_of_this_machine_for_people(tmp_path: Path) -> None:
    result = run("--state", str(tmp_path), environment={"COLUMNS": "80"})
    assert "31 features:" in result.stdout
    assert result.exit_code in {0, EXIT_INCOMPLETE}
    assert result.stderr == ""


def test_where_the_doctor_cannot_look_the_exit_code_says_so(tmp_path: Path) -> None:
    result = run("--sys", str(tmp_path), "--state", str(tmp_path))
    assert result.exit_code == EXIT_BLIND
    assert str(tmp_path) in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"LEEWARD_AGENT_INGEST_URL": "ftp://x"}, "ingest_url"),
        ({"LEEWARD_AGENT_WINDOW_SECONDS": "-1"}, "window_seconds"),
    ],
)
def test_settings_that_the_agent_would_refuse_are_refused(environment: dict[str, str], complaint: str) -> None:
    result = run(environment=environment)
    assert result.exit_code == EXIT_BLIND
    assert complaint in result.stderr
