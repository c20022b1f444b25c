"""``leeward demo``: the whole loop on this machine, one step after another."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.campaign import DEFAULT_SEED, SeedOption, characterise, push_vectors, write_documents
from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared
from cli.train import show_outcome

if TYPE_CHECKING:
    from rich.console import Console

    from eval.one_placement import Placement
    from eval.one_placement.ask import Address

_WIDTH = 100
"""Of tables where output is no terminal."""


def demo(*, state: StateOption = DEFAULT, seed: SeedOption = DEFAULT_SEED) -> None:
    """Show the whole loop: counters, features, models, gate, scores; everything but the first step is simulated."""
    from rich.console import Console

    from agent.errors import AgentError
    from contracts.errors import ContractError
    from eval.campaign.errors import CampaignError
    from eval.errors import EvaluationError
    from eval.testbed.errors import TestbedError
    from feature_repo.errors import FeatureRepositoryError
    from pipelines.errors import PipelineError
    from scheduler_extender.errors import ExtenderError
    from serving.errors import BundleError

    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    with complaining_of(
        *(StateError, AgentError, ContractError, CampaignError, EvaluationError, TestbedError),
        *(FeatureRepositoryError, PipelineError, ExtenderError, BundleError),
    ):
        directory = prepared(state)
        _measure_this_machine(console)
        _learn(console, directory, seed=seed)
        _place_one(console, directory, seed=seed)
        _evaluate(console, directory)
    _say_where_to_look(console, directory)


def _measure_this_machine(console: "Console") -> None:
    from agent.coverage import missing_by_errno
    from agent.main import measure
    from agent.settings import AgentSettings
    from cli.progress import step

    with step(console, "this machine's counters, by perf_event_open"):
        report = measure(AgentSettings(state_directory=DEFAULT))
    status = report.state.status
    if status is None:
        return
    missing = ", ".join(f"{count} {errno}" for errno, count in missing_by_errno(status.coverage).items())
    counts = ", ".join(f"{event} {count:,}" for event, count in report.software.counts.items())
    opened, wanted = status.coverage.opened, status.coverage.wanted
    console.print(f"    {opened} of {wanted} hardware events opened; missing: {missing or 'none'}")
    console.print(f"    regimes: {status.regimes}")
    console.print(f"    the kernel's software events on {report.software.cpus} CPUs: {counts}")


def _learn(console: "Console", state: Path, *, seed: int) -> None:
    from cli.progress import step
    from pipelines.local_run import train_locally

    with step(console, "characterisation campaign on sixteen simulated nodes") as report:
        campaign = characterise(state, seed=seed, small=True, report=report)
    console.print(f"    {campaign.measured.rows} labelled windows, {campaign.measured.profiles} profiles (simulated)")
    with step(console, "vectors into the Feast repository") as report:
        push_vectors(state, campaign, report=report)
    console.print(f"    {campaign.measured.vectors} vectors")
    with step(console, "profiles and labels into the Feast repository") as report:
        write_documents(state, campaign, report=report)
    with step(console, "training pipeline, compiled and run by kfp.local") as report:
        outcome = train_locally(state, progress=report)
    show_outcome(console, outcome)


def _place_one(console: "Console", state: Path, *, seed: int) -> None:
    from cli.progress import step
    from eval.one_placement import render_answers

    with step(console, "sixteen nodes measured, kube-scheduler's own requests answered by the extender"):
        placement = _asked(state, seed=seed)
    console.print(render_answers(placement))


def _asked(state: Path, *, seed: int) -> "Placement":
    from eval.one_placement import ask_extender, measure_cluster

    cluster = measure_cluster(state, seed=seed)
    with serving(state) as address:
        return ask_extender(address, cluster)


@contextmanager
def serving(state: Path) -> Iterator["Address"]:
    """The real extender in a process of its own, on a free port of this machine.

    Raises:
        EvaluationError: it ended before it listened.
    """
    from eval.errors import EvaluationError
    from eval.one_placement.ask import Address

    command = [sys.executable, "-m", "cli.main", "extender", "serve", "--host", "127.0.0.1", "--port", "0"]
    log = state / "extender.log"
    with (
        log.open("w") as said,
        subprocess.Popen(  # noqa: S603
            [*command, "--state", str(state)], stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        try:
            for line in process.stderr:
                said.write(line)
                if '"listening"' in line:
                    event = json.loads(line)
                    yield Address(host=event["address"], port=event["port"])
                    return
            raise EvaluationError(f"the extender ended before it listened: {log} has what it said")
        finally:
            process.terminate()
            said.write(process.stderr.read())


def _evaluate(console: "Console", state: Path) -> None:
    from cli.progress import step
    from eval.heldout import evaluate_held_out, render_held_out
    from eval.placement import compare, render_placement

    with step(console, "held-out evaluation") as report:
        held_out = evaluate_held_out(state, progress=report)
    console.print(render_held_out(held_out))
    with step(console, "placement of workloads never seen, under four policies") as report:
        placement = compare(state, progress=report)
    console.print(render_placement(placement))


def _say_where_to_look(console: "Console", state: Path) -> None:
    programs, kept = _from_here(Path(sys.executable).parent), _from_here(state)
    console.print(f"\n[bold]Everything is kept in {kept}[/bold]; to delete it:")
    _command(console, f"{programs / 'leeward'} reset --state {kept}")
    console.print("MLflow's runs and models, with the gate's decision:")
    _command(console, f"{programs / 'mlflow'} ui --backend-store-uri sqlite:///{kept / 'mlflow' / 'mlflow.db'}")
    console.print("The Feast repository:")
    _command(console, f"{programs / 'feast'} -c {kept / 'features'} ui --host 127.0.0.1 --port 8890")


def _command(console: "Console", line: str) -> None:
    console.print(f"    {line}", soft_wrap=True, highlight=False)


def _from_here(path: Path) -> Path:
    """Relative where it lies below the working directory, so that it can be typed."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
