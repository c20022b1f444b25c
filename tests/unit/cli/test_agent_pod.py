import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.workload import core
from cli.agent_pod import MOST_COUNTERS, IsolatedCpus, pod
from contracts.nodestate import IsolatedCpuPolicy
from contracts.vector import from_json
from tests.unit.agent.cgroup_fixture import POD_A, POD_B, POD_C
from tests.unit.agent.workload.fabricated_pod import PodNode

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def node(tmp_path: Path) -> PodNode:
    """Its cgroups are no real ones, so that the real kernel refuses to count them."""
    return PodNode(tmp_path)


def arguments(node: PodNode, *more: str) -> list[str]:
    roots = node.roots
    where = ("--sys", roots.sys, "--proc", roots.proc, "--resctrl", roots.resctrl, "--cgroup", roots.cgroup)
    return ["--node", "node-1", "--seconds", "1", *map(str, where), *more]


def run(node: PodNode, *more: str) -> Result:
    app = typer.Typer()
    app.command()(pod)
    return CliRunner().invoke(app, arguments(node, *more))


def test_a_vector_a_domain_in_json(node: PodNode) -> None:
    result = run(node, POD_B, "--output", "json")
    assert result.exit_code == 0, result.output
    vectors = [from_json(line) for line in result.stdout.splitlines()]
    assert [(vector.node, vector.domain) for vector in vectors] == [("node-1", "socket0"), ("node-1", "socket1")]
    assert all(json.loads(line)["windowLengthNs"] >= 900_000_000 for line in result.stdout.splitlines())


def test_a_table_for_people(node: PodNode) -> None:
    result = run(node, POD_A)
    assert result.exit_code == 0, result.output
    assert f"pod {POD_A}" in result.stdout
    assert "0 of 64 opened" in result.stdout


def test_an_unknown_pod_is_one_sentence(node: PodNode) -> None:
    result = run(node, POD_C)
    assert result.exit_code == 1
    assert result.stderr.startswith("leeward: no pod")


@pytest.mark.parametrize("seconds", ["0", "601"])
def test_times_out_of_range_are_refused(node: PodNode, seconds: str) -> None:
    assert run(node, POD_A, "--seconds", seconds).exit_code == 2


def test_the_command_lines_own_figures_are_the_agents() -> None:
    assert {policy.value for policy in IsolatedCpus} == {policy.value for policy in IsolatedCpuPolicy}
    assert MOST_COUNTERS == core.MOST_COUNTERS


PROGRAM = "import typer; from cli.agent_pod import pod; app = typer.Typer(); app.command()(pod); app()"


def test_sigterm_ends_it_in_the_middle(node: PodNode) -> None:
    command = [sys.executable, "-c", PROGRAM, *arguments(node, POD_A, "--seconds", "300")]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60.0
        while not _handles_sigterm(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        _, complaint = process.communicate(timeout=60.0)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert "stopped before the window" in complaint


def _handles_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> signal.SIGTERM - 1 & 1)
