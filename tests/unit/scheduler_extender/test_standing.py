"""Which of several reasons counts, and how many nodes there are of each."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from contracts.regime import Regime
from scheduler_extender.node import Node
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.sources import Refusal
from scheduler_extender.standing import NOT_BELIEVED, OF_ONE_WORKLOAD, STANDINGS, Standing, counted, standings
from scheduler_extender.view import NEVER_HEARD_OF, ClusterView
from tests.unit.scheduler_extender.small_cluster import NOW, QUIET, Domain, node_state

POLICY = LeewardPolicy()
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def refusal(name: str, *, other_contract: bool = False) -> Refusal:
    return Refusal(name=name, sentence=f"{name} lies", other_contract=other_contract)


@pytest.fixture
def view() -> ClusterView:
    """A node of each standing that is not of one workload alone, named by it."""
    found = ClusterView(POLICY)
    for name in ("known", "former", "refused", "other_contract"):
        found.set_state(name, node_state(name, QUIET))
    found.set_state("stale", node_state("stale", QUIET, seen=NOW - timedelta(seconds=301)))
    found.set_state("ahead", node_state("ahead", QUIET, seen=NOW + timedelta(seconds=31)))
    found.set_state("other_cpu", node_state("other_cpu", QUIET, characterised=False))
    found.set_state("undecided", node_state("undecided", QUIET, Domain(regime=Regime.UNKNOWN)))
    for name in ("known", "absent", "refused"):
        found.set_node(name, Node(created=LONG_AGO))
    found.set_node("former", Node(created=LATER))
    found.refuse_state("refused", refusal("refused"))
    found.refuse_state("other_contract", refusal("other_contract", other_contract=True))
    return found


def seen(view: ClusterView, *names: str) -> list[str]:
    """By the state alone: whatever is not predicted is not predicted yet."""
    found = standings(view, view.lookup(names), kept=None, now=NOW, policy=POLICY)
    return [STANDINGS[code].value for code in found.tolist()]


def number(view: ClusterView) -> dict[str, int]:
    return {standing: count for standing, count in counted(view, now=NOW, policy=POLICY).items() if count}


def test_each_node_counts_once_by_its_standing(view: ClusterView) -> None:
    found = counted(view, now=NOW, policy=POLICY)
    assert set(found) == set(Standing) - OF_ONE_WORKLOAD
    assert number(view) == {view.name(index): 1 for index in range(len(view))}


def test_what_is_said_of_one_workload_is_said_of_all_by_the_state(view: ClusterView) -> None:
    believed = ("known", "undecided")
    names = [view.name(index) for index in range(len(view)) if view.name(index) not in believed]
    assert seen(view, *names, *believed) == [*names, "not_yet", "not_yet"]
    assert set(names) >= set(NOT_BELIEVED)


def test_every_standing_has_a_word_and_a_sentence() -> None:
    assert len({standing.sentence for standing in Standing}) == len(Standing)
    assert all(standing.value == standing.name.lower() for standing in Standing)


def test_a_node_never_heard_of_is_absent_whatever_the_last_one_is(view: ClusterView) -> None:
    assert view.lookup(["nobody"]).tolist() == [NEVER_HEARD_OF]
    assert seen(view, "nobody") == ["absent"]
    assert seen(ClusterView(POLICY), "nobody") == ["absent"]


def test_an_empty_cluster_has_no_nodes() -> None:
    assert set(counted(ClusterView(POLICY), now=NOW, policy=POLICY).values()) == {0}


def test_a_state_that_was_never_good_is_refused_and_not_absent(view: ClusterView) -> None:
    view.refuse_state("new", refusal("new", other_contract=True))
    assert seen(view, "new") == ["other_contract"]
    assert view.telemetry(view.lookup(["new"])[0]) is None


def test_the_latest_refusal_counts_and_a_good_state_ends_it(view: ClusterView) -> None:
    (row,) = view.lookup(["other_contract"]).tolist()
    view.refuse_state("other_contract", refusal("other_contract"))
    assert seen(view, "other_contract") == ["refused"]
    assert view.refusal(row) == "other_contract lies"
    view.set_state("other_contract", node_state("other_contract", QUIET))
    assert (seen(view, "other_contract"), view.refusal(row)) == (["not_yet"], "")


def test_a_state_that_is_gone_takes_its_refusal_along(view: ClusterView) -> None:
    view.set_state("refused", None)
    assert seen(view, "refused") == ["absent"]


def test_a_node_that_is_gone_counts_no_longer_than_its_state(view: ClusterView) -> None:
    view.set_node("absent", None)
    view.set_node("known", None)
    found = number(view)
    assert (found.get("absent"), found.get("known"), found["former"]) == (None, None, 2)
    view.set_state("known", None)
    assert number(view)["former"] == 1


def test_a_refused_state_changes_nothing_that_a_prediction_stands_on(view: ClusterView) -> None:
    before = view.rows["revision"].copy()
    view.refuse_state("known", refusal("known"))
    np.testing.assert_array_equal(view.rows["revision"], before)
