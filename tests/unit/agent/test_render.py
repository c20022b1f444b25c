from pathlib import Path

import pytest
from rich.console import Console

from agent.render import render
from agent.sources.protocol import MissingEvent
from agent.sources.software import SoftwareWindow
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.fixed_predictor import QUIET, FixedPredictor
from tests.unit.agent.machine_tree import Machine

SOFTWARE = SoftwareWindow(counts={"cpu-clock": 2_000_000_000, "context-switches": 1234}, cpus=2)
FORBIDDEN = tuple(
    MissingEvent(event=event, errno="EACCES", reason="not allowed") for event in ("cpu-clock", "page-faults")
)


def shown(state: NodeState, software: SoftwareWindow | None = None, *, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(render(state, software))
    return captured.get()


def test_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    text = shown(Node(tmp_path, Machine(boxes={})).observe(FixedPredictor(QUIET | {Axis.LLC: 0.9})), SOFTWARE)
    for expected in ("Characterised", "28 ENOENT", "llc 0.90", "0.2500", "1,234", "2.000 s", "on 2 CPUs"):
        assert expected in text
    rows = [line for line in text.splitlines() if "memory_bound_share" in line]
    assert len(rows) == 1
    assert rows[0].split() == ["membw", "memory_bound_share", "0.2500", "0.2500"]
    missing = text[text.index("missing: ") : text.index("Hardware events")]
    assert "dram_utilisation" in missing
    assert "memory_bound_share" not in missing


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("clusters", [1, 4])
def test_no_value_and_no_name_is_cut_off(tmp_path: Path, width: int, clusters: int) -> None:
    text = shown(Node(tmp_path, Machine(cores=4, clusters=clusters)).observe(), SOFTWARE, width=width)
    assert "…" not in text
    assert all(name in text for name in FEATURE_SCHEMA_V1.names)
    assert max(map(len, text.splitlines())) <= width


def test_who_may_count_nothing_but_himself_is_told_so_once(tmp_path: Path) -> None:
    own = SoftwareWindow(counts={"task-clock": 5_000_000, "page-faults": 6}, cpus=0, missing=FORBIDDEN)
    text = shown(Node(tmp_path).observe(), own)
    assert "agent's own thread" in text
    assert text.count("EACCES") == 1


def test_without_any_software_event_the_reason_stands_alone(tmp_path: Path) -> None:
    text = shown(Node(tmp_path).observe(), SoftwareWindow(counts={}, cpus=0, missing=FORBIDDEN))
    assert "whole CPUs: EACCES, not allowed" in text
    assert "thread" not in text


def test_a_state_without_a_status() -> None:
    assert shown(NodeState.model_validate({"metadata": {"name": "n1"}})).strip() == "n1: no status yet"
