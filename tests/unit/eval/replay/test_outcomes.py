"""What became of placements, out of labels that name workloads and not pods."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contracts.trace import LabelledTrace
from eval.figure import Figure
from eval.intervals import exact_share
from eval.replay.outcomes import NOTHING_KNOWN, KnownOutcomes, known_outcomes, outcomes_of
from eval.replay.placements import ALWAYS, survey
from eval.replay.reading import Recording
from eval.replay.recording import Kind
from eval.watch.evidence_in_memory import EvidenceInMemory
from tests.unit.eval.replay.site import PROFILES, Told, at, gone, pod, record, state, two_nodes
from tests.unit.eval.watch.site import window

ROUTER = PROFILES[1]
SLOW, WELL = 150.0, 105.0
"""Of 100 alone."""


def went(seconds: float, together: float, *, node: str = "calm", **changes: Any) -> LabelledTrace:
    return window(at(seconds), together, known=ROUTER, node=node, **changes)


def known(directory: Path, *told: Told, labels: list[LabelledTrace], tolerance: float = 1.25) -> KnownOutcomes:
    record(directory, *two_nodes(), *told, state(10_000, "calm"))
    found = survey(Recording(directory), {}, period=ALWAYS, background=(), troubles=Counter())
    evidence = EvidenceInMemory()
    evidence.add(labels)
    return known_outcomes(found, {placement.uid: tolerance for placement in found.placements}, evidence)


def test_a_placement_exceeded_its_tolerance_where_its_median_window_did(tmp_path: Path) -> None:
    told = (pod(10, "a", node="calm"), pod(10, "b", node="noisy"))
    labels = [
        went(20, WELL),
        went(40, SLOW),
        went(60, SLOW),
        went(20, WELL, node="noisy"),
        went(40, SLOW, node="noisy"),
    ]
    found = known(tmp_path, *told, labels=[*labels, went(60, WELL, node="noisy")])
    assert found.exceeded == {"a": True, "b": False}
    assert not found.troubles


def test_a_window_is_of_the_latest_pod_of_its_workload_there(tmp_path: Path) -> None:
    told = (pod(10, "a", node="calm"), gone(90, Kind.POD, "a"), pod(130, "b", node="calm"))
    found = known(tmp_path, *told, labels=[went(20, WELL), went(140, SLOW)])
    assert found.exceeded == {"a": False, "b": True}


def test_where_several_pods_of_a_workload_are_on_a_node_nobody_knows_whose_window_it_was(tmp_path: Path) -> None:
    told = (pod(10, "a", node="calm"), pod(100, "b", node="calm"), gone(200, Kind.POD, "a"))
    found = known(tmp_path, *told, labels=[went(20, WELL), went(120, SLOW), went(300, SLOW)])
    assert found.exceeded == {"a": False, "b": True}
    assert found.troubles == {"outcomes of a workload with several pods on the node, left out": 1}


def test_windows_after_a_pods_end_and_of_nobody_are_left_out_and_counted(tmp_path: Path) -> None:
    told = (pod(10, "a", node="calm"), gone(50, Kind.POD, "a"), pod(60, "c", node="noisy", profile="amf"))
    found = known(tmp_path, *told, labels=[went(20, WELL), went(70, SLOW), went(80, SLOW, node="noisy")])
    assert found.exceeded == {"a": False}
    assert found.troubles == {
        "outcomes from after the pod's end, left out": 1,
        "outcomes with no prediction, bounded afterwards": 1,
    }


def told(*pods: tuple[str, bool]) -> KnownOutcomes:
    """Of pods ``u0`` and so on, their workloads, and whether they suffered."""
    return KnownOutcomes(
        exceeded={f"u{number}": exceeded for number, (_, exceeded) in enumerate(pods)},
        workloads={f"u{number}": workload for number, (workload, _) in enumerate(pods)},
        troubles={},
    )


def share_of(known: KnownOutcomes) -> Figure:
    found = outcomes_of(list(known.exceeded), known, confidence=0.9).exceeded
    assert found is not None
    return found


def test_shares_have_an_interval_and_pods_without_an_outcome_are_counted() -> None:
    found = told(("a", True), ("b", False), ("c", False))
    some = outcomes_of(["u0", "u1", "u2", "u3"], found, confidence=0.9)
    assert some.exceeded is not None
    assert some.exceeded.value == pytest.approx(1 / 3)
    assert some.exceeded.lower < some.exceeded.value < some.exceeded.upper
    assert (some.exceeded.units, some.without) == (3, 1)
    assert outcomes_of(["u0"], NOTHING_KNOWN, confidence=0.9).exceeded is None


def test_many_pods_of_few_workloads_are_not_much_evidence() -> None:
    exact = exact_share(100, 200, confidence=0.9)
    many = share_of(told(*[(f"w{number}", number % 2 == 0) for number in range(200)]))
    assert many.upper - many.lower < 1.5 * (exact.upper - exact.lower)
    few = share_of(told(*[(f"w{number % 4}", number % 2 == 0) for number in range(200)]))
    assert (few.lower, few.upper) == (0.0, 1.0)


def test_where_nobody_suffered_the_interval_is_the_exact_one() -> None:
    nobody = share_of(told(*[(f"w{number % 5}", False) for number in range(20)]))
    exact = exact_share(0, 20, confidence=0.9)
    assert (nobody.value, nobody.lower, nobody.upper) == (0.0, 0.0, exact.upper)


def test_the_interval_is_the_same_in_whatever_order_pods_are_told() -> None:
    found = told(*[(f"w{number % 7}", number % 3 == 0) for number in range(40)])
    orders = [list(found.exceeded), list(found.exceeded)[::-1]]
    assert len({outcomes_of(order, found, confidence=0.9).to_json() for order in orders}) == 1
