"""``leeward models``: what a person reads, and how it ends. What is served is in the server's own tests."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.main import app
from cli.model_tables import WIDTH

if TYPE_CHECKING:
    from pipelines.dataset import TraceDataset
    from pipelines.settings import TrainingSettings

LEEWARD = str(Path(sys.executable).with_name("leeward"))


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["models", *(str(argument) for argument in arguments)])


def in_words(done: Result) -> str:
    """What it said, wherever lines were broken."""
    assert max(len(line) for line in done.stdout.splitlines()) <= WIDTH
    return " ".join(done.stdout.split())


def trained(directory: Path) -> "tuple[TraceDataset, TrainingSettings]":
    """A small training, in a directory."""
    from pipelines.settings import TrainingSettings, TreeSettings
    from pipelines.steps import write_training
    from pipelines.training import train
    from pipelines.training_data import training_data
    from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

    settings = TrainingSettings(
        rate=0.75,
        regime=TreeSettings(trees=20, depth=3, learning_rate=0.3),
        interference=TreeSettings(trees=40, depth=3, learning_rate=0.15),
        fewest_pressed=10,
        resamples=200,
    )
    dataset = synthetic_dataset(groups=6, mixes=40)
    data = training_data(dataset, settings)
    write_training(train(data, settings), data, directory)
    return dataset, settings


@pytest.mark.slow  # MLflow makes its tables, and three models are registered
def test_from_the_first_model_to_rollback(tmp_path: Path) -> None:
    from pipelines.dataset import dataset_directory, write_dataset
    from pipelines.registry import local_registry, register
    from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

    state = tmp_path / "state"
    there = ("--state", state)
    done = ran("list", *there)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"leeward: {state} holds no models yet: train one with `leeward train --local`")
    assert not state.exists()

    dataset, settings = trained(tmp_path / "trained")
    assert ran("rollback", *there).exit_code == 1
    write_dataset(dataset, dataset_directory(state))
    (state / "mlflow").mkdir()
    for _ in range(2):
        register(tmp_path / "trained", local_registry(state), settings)

    listed = ran("list", *there)
    assert listed.exit_code == 0, listed.output
    assert "2 challenger not asked" in in_words(listed)
    assert [version["version"] for version in json.loads(ran("list", *there, "--output", "json").stdout)] == ["2", "1"]

    for number in ("1", "challenger"):
        promoted = ran("promote", number, *there)
        assert promoted.exit_code == 0, promoted.output
        assert "may serve" in promoted.stdout
        assert "NO" not in promoted.stdout
    assert "2 champion promoted" in in_words(ran("list", *there))
    shown = in_words(ran("show", "champion", *there))
    assert dataset.digest in shown
    assert "bound.probed.unseen-victim.coverage" in shown
    assert "that of champion 1" in shown
    assert json.loads(ran("show", "2", *there, "-o", "json").stdout)["decision"]["promoted"] is True

    compared = in_words(ran("compare", "previous", "champion", *there))
    assert compared.startswith("version 1 version 2 aliases previous champion verdict promoted promoted")
    assert json.loads(ran("compare", "1", "2", *there, "-o", "json").stdout)["second"]["version"] == "2"

    back = ran("rollback", *there)
    assert back.stdout.startswith("leeward version 1 is champion again (sha256:")
    again = ran("rollback", *there)
    assert again.stderr == "leeward: version 1 is the first champion: there is none before it to roll back to\n"
    absent = ran("show", "9", *there)
    assert absent.exit_code == 1
    assert absent.stderr == "leeward: there is no version 9 of leeward; there are 1, 2, champion\n"

    register(tmp_path / "trained", local_registry(state), settings.model_copy(update={"rate": 0.9}))
    refused = ran("promote", "challenger", *there)
    assert refused.exit_code == 3  # a script can tell a model that is not good enough from a registry that is away
    assert "the gate: version 3 is refused" in refused.stdout
    assert "and 90.0% was asked for" in in_words(refused)
    assert "1 champion promoted" in in_words(ran("list", *there))

    write_dataset(synthetic_dataset(groups=6, mixes=5, seed=3), tmp_path / "other")
    other = ran("promote", "2", *there, "--traces", tmp_path / "other")
    assert other.exit_code == 1
    assert "judge it on the traces that it was trained on" in other.stderr


def test_what_a_version_is_refused_for_is_marked() -> None:
    from cli.model_tables import decision_lines
    from pipelines.gate import GateDecision, HeldOutCheck

    reasons = ("each of 4 workload groups has a bundle that was made without it", "bundle bytes 3e+07: beyond 1.68e+07")
    decision = GateDecision(
        promoted=False,
        reasons=reasons,
        refusals=reasons[1:],
        held_out=HeldOutCheck(groups=4, not_held_out=(), held=True),
    )
    assert decision_lines(decision, version="3") == [
        "the gate: version 3 is refused",
        f"  ok  {reasons[0]}",
        f"  NO  {reasons[1]}",
    ]


def test_a_state_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, ["models", "serve", "--state", str(tmp_path / "file" / "below")])
    assert done.exit_code == 1
    assert done.stderr.startswith("leeward: ")
    assert "can't be used as state: Not a directory; name a writable directory" in done.stderr


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [LEEWARD, "models", "serve", "--host", "127.0.0.1", "--port", port, "--state", str(tmp_path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (complaint,) = done.stderr.splitlines()
    assert complaint.startswith(f"leeward: can't listen on 127.0.0.1 port {port}: Address already in use")
    assert complaint.endswith("; name another --host or --port")


def test_unless_told_otherwise_it_listens_where_a_service_leads() -> None:
    command = typer.main.get_command(app)
    defaults = command.commands["models"].commands["serve"].params  # type: ignore[attr-defined]
    assert {option.name: option.default for option in defaults if option.name in {"host", "port"}} == {
        "host": "0.0.0.0",
        "port": 8080,
    }
