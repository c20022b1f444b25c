"""Counts over placements: shares over ties, nodes, and bounds of those that would have gone elsewhere."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.replay.tally import EasedTally, PolicyTally
from eval.replay.walk import Judged

NAN = float("nan")


def placed(uid: str, node: str, feasible: Sequence[str]) -> Judged:
    """As much of one as is counted."""
    found: Any = SimpleNamespace(placement=SimpleNamespace(uid=uid, node=node), feasible=tuple(feasible))
    return cast("Judged", found)


def tally_of(*steps: tuple[str, Sequence[str], Mapping[str, float]]) -> PolicyTally:
    """Of where a pod went, where it would have gone, and the ratios of the nodes that there are."""
    tally = PolicyTally()
    for number, (node, choice, ratios) in enumerate(steps):
        values = np.array(list(ratios.values()))
        tally.add(placed(f"u{number}", node, list(ratios)), tuple(choice), ratios=[values])
    return tally


def test_a_policy_that_does_as_was_done_changes_nothing() -> None:
    tally = tally_of(("a", ["a"], {"a": 1.5, "b": 0.5}), ("a", ["a"], {"a": 1.5, "b": 0.5}))
    assert (tally.elsewhere, tally.no_node, tally.nodes_used, tally.changed) == (0.0, 0, 1.0, set())
    assert tally.by_yardstick.figures() is None
    overall = tally.overall.figures()
    assert overall is not None
    assert (overall.placements, overall.recorded, overall.chosen, overall.chosen_over) == (2.0, 1.5, 1.5, 1.0)


def test_what_would_have_gone_elsewhere_is_weighed_by_how_likely_it_is() -> None:
    tally = tally_of(("a", ["a", "b", "c", "d"], {"a": 2.0, "b": 1.0, "c": 0.5, "d": 3.0}))
    assert tally.elsewhere == 0.75
    assert tally.nodes_used == pytest.approx(1.0)
    assert not tally.changed
    eased = tally.by_yardstick.figures()
    assert eased is not None
    assert eased.placements == pytest.approx(0.75)
    assert (eased.recorded, eased.chosen) == pytest.approx((2.0, 1.5))
    assert (eased.recorded_over, eased.chosen_over) == pytest.approx((1.0, 1.0 / 3.0))


def test_nodes_that_nothing_is_predicted_of_are_left_out_of_ratios_and_not_of_counts() -> None:
    tally = tally_of(("a", ["b"], {"a": NAN, "b": 1.0}), ("a", ["b", "c"], {"a": 2.0, "b": NAN, "c": 1.0}))
    assert tally.elsewhere == 2.0
    eased = tally.by_yardstick.figures()
    assert eased is not None
    assert (eased.placements, eased.recorded, eased.chosen) == (0.5, 2.0, 1.0)
    assert EasedTally().figures() is None


def test_a_policy_that_rules_all_out_sends_a_pod_nowhere() -> None:
    tally = tally_of(("a", [], {"a": 2.0}), ("a", ["a"], {"a": 2.0}))
    assert (tally.no_node, tally.elsewhere, tally.nodes_used) == (1, 0.0, 1.0)
    assert tally.changed == {"u0"}


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True), min_size=1, max_size=12))
def test_nodes_used_are_those_of_drawing_each_choice_in_the_mean(choices: list[list[str]]) -> None:
    tally = tally_of(*(("a", choice, dict.fromkeys("abcd", 1.0)) for choice in choices))
    missed = {name: np.prod([1.0 - (name in choice) / len(choice) for choice in choices]) for name in "abcd"}
    assert tally.nodes_used == pytest.approx(sum(1.0 - value for value in missed.values()))
    assert 0.0 < tally.nodes_used <= len({name for choice in choices for name in choice}) + 1e-9
    assert tally.elsewhere == pytest.approx(
        sum(sum(name != "a" for name in choice) / len(choice) for choice in choices)
    )
