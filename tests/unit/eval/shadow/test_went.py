"""How it went is told with an interval over workloads, and not at all where these are too few."""

from pathlib import Path
from typing import Any

import pytest

from eval.shadow.outcomes import Outcomes, Replicas, Windows
from eval.shadow.placement import Placement
from eval.shadow.went import FEWEST_WORKLOADS, arms_of, held, right_of
from tests.unit.eval.shadow.site import MOVED, decision, placements, write


def workloads(state: Path, count: int, each: int = 1, **changes: Any) -> tuple[Placement, ...]:
    """So many workloads, each of so many pods."""
    name = changes.pop("called", "w")
    lines = [
        decision(f"{name}{workload}-{pod}", workload=f"{name}{workload}", **changes)
        for workload in range(count)
        for pod in range(each)
    ]
    return placements(write(state, *lines))


def windows(shares: dict[str, tuple[int, int]]) -> Outcomes:
    """By workload: windows beyond tolerance, of how many."""
    found = Outcomes()
    for workload, (wrong, of) in shares.items():
        found.by_replicas[Replicas(namespace="core", workload=workload)] = Windows(all=of, wrong=wrong)
    return found


def test_many_pods_of_few_workloads_are_too_few(tmp_path: Path) -> None:
    every = workloads(tmp_path, FEWEST_WORKLOADS - 1, each=20)
    found = right_of(every, Outcomes(exceeded={placement.uid: True for placement in every}))
    assert (found.left.exceeded, found.left.workloads, found.left.share) == (80, FEWEST_WORKLOADS - 1, None)


def test_an_interval_counts_each_workload_as_one_row(tmp_path: Path) -> None:
    few, many = workloads(tmp_path / "few", 8), workloads(tmp_path / "many", 8, each=10)
    shares = [
        right_of(every, Outcomes(exceeded=dict.fromkeys((placement.uid for placement in every), False))).left.share
        for every in (few, many)
    ]
    assert shares[0] == shares[1]
    assert shares[0] is not None
    assert (shares[0].value, shares[0].lower, shares[0].units) == (0.0, 0.0, 8)
    assert 0.2 < shares[0].upper < 0.4


def test_placements_are_told_by_answer_and_by_bound_and_those_without_outcome_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        decision("a"),
        decision("b", **MOVED),
        decision("c", **MOVED),
        decision("d", score=None, ratio=None),
    )
    found = right_of(placements(tmp_path), Outcomes(exceeded={"b": True, "d": False}, windows=7, at_ceiling=2))
    assert (found.moved.exceeded, found.moved.kept, found.moved.unknown) == (1, 0, 1)
    assert (found.left.exceeded, found.left.kept, found.left.unknown) == (0, 0, 1)
    assert (found.unsaid.kept, found.unbounded.kept, found.beyond.exceeded, found.within.unknown) == (1, 1, 1, 1)
    assert (found.windows, found.at_ceiling) == (7, 2)


def test_arms_are_workloads_and_one_that_was_on_both_sides_is_left_out(tmp_path: Path) -> None:
    shadowed = workloads(tmp_path, 6, called="s")
    steered = workloads(tmp_path, 7, called="t", shadowed=False)
    assert len(steered) == len(shadowed) + 7
    write(tmp_path, decision("both", workload="s0", shadowed=False))
    outcomes = windows(
        {
            **{f"s{number}": (5, 10) for number in range(6)},
            **{f"t{number}": (0, 1000) for number in range(7)},
            "stranger": (1, 1),
        }
    )
    found = arms_of(placements(tmp_path), outcomes)
    assert found is not None
    assert (found.changed, found.unknown) == (1, 1)
    assert (found.shadowed.workloads, found.shadowed.windows) == (5, 50)
    assert (found.steered.workloads, found.steered.windows) == (7, 7000)
    assert found.shadowed.beyond is not None
    assert found.steered.beyond is not None
    assert (found.shadowed.beyond.value, found.steered.beyond.value) == (0.5, 0.0)


def test_a_workload_weighs_the_same_however_many_windows_it_had(tmp_path: Path) -> None:
    workloads(tmp_path, 5, called="s")
    workloads(tmp_path, 5, called="t", shadowed=False)
    outcomes = windows({"s0": (1000, 1000), **{f"s{number}": (0, 1) for number in range(1, 5)}})
    found = arms_of(placements(tmp_path), outcomes)
    assert found is not None
    assert found.shadowed.beyond is not None
    assert found.shadowed.beyond.value == pytest.approx(0.2)
    assert found.steered.beyond is None


@pytest.mark.parametrize("shadowed", [True, False])
def test_where_all_are_treated_alike_there_are_no_arms(tmp_path: Path, shadowed: bool) -> None:
    assert arms_of(workloads(tmp_path, 6, shadowed=shadowed), windows({"w0": (1, 2)})) is None
    assert arms_of((), Outcomes()) is None


def test_bounds_are_told_by_workload_group_and_not_of_few() -> None:
    groups = {f"g{number}": Windows(all=10, wrong=number) for number in range(5)}
    found = held(groups)
    assert found is not None
    assert found.value == pytest.approx(0.8)
    assert held(dict(list(groups.items())[:4])) is None
