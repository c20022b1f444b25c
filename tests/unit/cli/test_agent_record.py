"""``leeward agent record`` on whatever machine this is."""

from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from agent.recording import Recording
from cli.agent_record import record

app = typer.Typer()
app.command()(record)


def recorded(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"NODE_NAME": "here"})


def test_it_records_this_machine_and_says_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    done = recorded(str(path), "--seconds", "0.1", "--period", "0.05", "--window", "0.1")
    assert done.exit_code == 0, done.output
    recording = Recording(path)
    readings = list(recording.readings())
    assert f"{len(readings)} readings" in done.output
    header = recording.header
    assert (header.node, header.sampling_period_seconds, header.window_seconds) == ("here", 0.05, 0.1)
    assert readings[-1].ends_window


def test_what_can_not_be_recorded_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("precious")
    for arguments, sentence in (
        ([str(path), "--seconds", "0.1"], "File exists; name a new file"),
        ([str(tmp_path / "new"), "--period", "5", "--window", "1"], "a window holds a sample at least"),
    ):
        done = recorded(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert sentence in done.stderr
    assert path.read_text() == "precious"
