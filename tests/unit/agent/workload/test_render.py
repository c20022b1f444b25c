from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agent.cpu_list import parse_cpu_list
from agent.workload.render import cpu_list, render_pod
from agent.workload.window import PodWindow
from tests.unit.agent.cgroup_fixture import POD_A, POD_B
from tests.unit.agent.machine_tree import Machine
from tests.unit.agent.workload.fabricated_pod import PodNode


def shown(window: PodWindow, *, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(render_pod(window))
    return captured.get()


def test_what_a_pod_showed_and_what_is_missing(tmp_path: Path) -> None:
    text = shown(PodNode(tmp_path).measure())
    for expected in (f"pod {POD_A}", "on node-1", "CPUs 1,5", "l3_miss_ratio", "0.2500", "EOPNOTSUPP", "whole socket"):
        assert expected in text


def test_cpus_that_were_left_alone_are_told(tmp_path: Path) -> None:
    text = shown(PodNode(tmp_path, machine=Machine(isolated="1,5")).measure())
    assert "no CPU; left alone since isolated: 1,5" in text
    assert "--isolated-cpus" in text


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_a_terminal(tmp_path: Path, width: int) -> None:
    text = shown(PodNode(tmp_path).measure(POD_B), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_a_long_list_of_cpus_is_cut(tmp_path: Path) -> None:
    window = PodNode(tmp_path).measure()
    many = PodWindow(**{name: getattr(window, name) for name in window.__slots__} | {"cpus": tuple(range(0, 400, 2))})
    line = next(line for line in shown(many).splitlines() if "CPUs 0,2" in line)
    assert line.rstrip().endswith("...")


@given(st.sets(st.integers(0, 300)))
def test_lists_of_cpus_read_back(cpus: set[int]) -> None:
    assert parse_cpu_list(cpu_list(tuple(sorted(cpus)))) == tuple(sorted(cpus))
