"""What each policy and model would have done, placement by placement, in clusters that can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from eval.replay.choices import ReplayPolicy, best, choice_with_scores, policies_named
from eval.replay.errors import RecordingError
from eval.replay.judge import ReplayedModel
from eval.replay.placements import Period
from eval.replay.trouble import Trouble
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.settings import ExtenderSettings
from tests.unit.eval.replay.site import (
    BUSY,
    REQUIRING,
    TOLERANT,
    at,
    bundle_in,
    decision_of,
    gone,
    judged,
    node,
    pod,
    state,
    two_nodes,
    whole,
    write_decisions,
)
from tests.unit.scheduler_extender.small_cluster import Domain


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayedModel, ReplayedModel]:
    made = tmp_path_factory.mktemp("models")
    return (
        ReplayedModel(name="tight", bundle=bundle_in(made / "tight")),
        ReplayedModel(name="wide", bundle=bundle_in(made / "wide", version="2", margin=0.6)),
    )


def test_each_policy_takes_what_its_kind_would(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    (one,), troubles, _ = judged(
        tmp_path, models[:1], *two_nodes(), pod(5, "a", node="noisy", cpus="8", annotations=TOLERANT)
    )
    assert set(one.feasible) == {"noisy", "calm"}
    assert one.choices == {
        ReplayPolicy.RECORDED: ("noisy",),
        ReplayPolicy.DEFAULT: ("calm",),
        ReplayPolicy.MOST_ALLOCATED: ("noisy",),
        ReplayPolicy.RANDOM: ("noisy", "calm"),
        ReplayPolicy.THRESHOLD: ("calm",),
        ReplayPolicy.REGIME_ONLY: ("calm",),
    }
    assert one.judgements[0].choice == ("calm",)
    assert not troubles


def test_thresholds_and_regimes_go_by_what_agents_have_published(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    """The default would take the empty node, which looks busy."""
    told = (*two_nodes(), state(3, "calm", BUSY), pod(5, "a", node="noisy"))
    (one,), _, _ = judged(tmp_path, models[:1], *told)
    assert one.choices[ReplayPolicy.DEFAULT] == ("calm",)
    assert one.choices[ReplayPolicy.THRESHOLD] == ("noisy",)
    assert one.choices[ReplayPolicy.REGIME_ONLY] == ("noisy",)


def test_where_all_nodes_are_busy_thresholds_choose_among_all(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    told = (*two_nodes(), state(3, "calm", BUSY), state(3, "noisy", BUSY), pod(5, "a", node="noisy"))
    (one,), _, _ = judged(tmp_path, models[:1], *told)
    assert one.choices[ReplayPolicy.THRESHOLD] == ("calm",)


def test_nodes_of_the_same_score_are_all_a_choice(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    told = (node(0, "a"), node(0, "b"), state(0, "a"), state(0, "b"), whole(1), pod(5, "p", node="a"))
    (one,), _, _ = judged(tmp_path, models[:1], *told)
    assert one.choices[ReplayPolicy.DEFAULT] == ("a", "b")
    assert one.judgements[0].choice == ("a", "b")


def test_a_placement_is_judged_before_its_own_binding_counts(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    told = (*two_nodes(), pod(5, "a", node="calm", cpus="60"), pod(6, "b", node="noisy", cpus="60"))
    (first, second), troubles, _ = judged(tmp_path, models[:1], *told)
    assert set(first.feasible) == {"noisy", "calm"}
    assert second.feasible == ("noisy",)
    assert not troubles


def test_the_loop_is_open(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    """Each of three pods would have gone to ``calm``, where there is room for one: none of them moves another."""
    pods = [pod(5 + number, f"p{number}", node="noisy", cpus="20", annotations=TOLERANT) for number in range(3)]
    told = (node(0, "noisy", cpus="128"), *two_nodes()[1:], *pods)
    found, _, _ = judged(tmp_path, models[:1], node(0, "noisy", cpus="128"), *told)
    assert [one.judgements[0].choice for one in found] == [("calm",)] * 3


def test_a_decision_is_replayed_in_the_world_that_the_extender_saw(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    """``calm`` got busy between the judgement and the moment when the binding was seen."""
    write_decisions(tmp_path, decision_of("a", 5.0))
    told = (*two_nodes(), state(6, "calm", BUSY), pod(7, "a", node="noisy"))
    (one,), _, _ = judged(tmp_path, models[:1], *told)
    assert one.choices[ReplayPolicy.THRESHOLD] == ("calm",)


def test_a_filter_rules_out_where_a_required_tolerance_would_be_exceeded(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    (one,), _, _ = judged(tmp_path, models, *two_nodes(), pod(5, "a", node="noisy", annotations=REQUIRING))
    tight, wide = one.judgements
    assert tight.ruled_out == {"noisy"}
    assert (tight.choice, set(tight.scores)) == (("calm",), {"calm"})
    assert wide.ruled_out == {"noisy", "calm"}
    assert (wide.choice, wide.scores) == ((), {})
    assert (wide.verdict.ratios > tight.verdict.ratios).all()


def test_what_the_extender_was_told_to_look_on_at_only_is_judged_all_the_same(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    shadow = ExtenderSettings(leeward_policy=LeewardPolicy(shadow_share=1.0))
    told = (*two_nodes(), pod(5, "a", node="noisy", annotations=TOLERANT))
    (one,), _, _ = judged(tmp_path, models[:1], *told, settings=shadow)
    assert one.judgements[0].scores["calm"] > one.judgements[0].scores["noisy"]


def test_the_recorded_clock_says_what_is_stale(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    told = (*two_nodes(), pod(5, "a", node="noisy"), pod(4000, "b", node="noisy"))
    (fresh, stale), _, _ = judged(tmp_path, models[:1], *told)
    assert len(set(fresh.judgements[0].scores.values())) == 2
    assert max(stale.judgements[0].scores.values()) <= 3


def test_a_state_that_cant_be_believed_counts_as_it_does_in_the_extender(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    lie = (3.0, state(3, "calm")[1], "calm", b'{"metadata": {"name": "calm"}, "status": 3}')
    (one,), troubles, _ = judged(tmp_path, models[:1], *two_nodes(), lie, pod(5, "a", node="noisy"))
    assert one.judgements[0].scores["calm"] <= 3
    assert troubles == {Trouble.REFUSED_STATE: 1}


def test_a_pod_where_it_did_not_fit_is_judged_and_counted(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    (one,), troubles, _ = judged(tmp_path, models[:1], *two_nodes(), pod(5, "a", node="noisy", cpus="62"))
    assert set(one.feasible) == {"noisy", "calm"}
    assert troubles == {Trouble.DID_NOT_FIT: 1}


def test_a_node_that_was_not_known_yet_when_the_pod_was_judged_leaves_it_out(
    tmp_path: Path, models: tuple[ReplayedModel, ...]
) -> None:
    write_decisions(tmp_path, decision_of("a", 5))
    told = (*two_nodes(), node(6, "new"), pod(7, "a", node="new"))
    found, troubles, _ = judged(tmp_path, models[:1], *told)
    assert not found
    assert troubles == {Trouble.UNKNOWN_NODE: 1}


def test_a_node_that_went_is_no_choice_any_more(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    told = (*two_nodes(), gone(2, node(0, "calm")[1], "calm"), pod(5, "a", node="noisy"))
    (one,), _, _ = judged(tmp_path, models[:1], *told)
    assert one.feasible == ("noisy",)


def test_every_state_of_the_period_is_shown_once(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    told = (*two_nodes(), state(10, "calm"), state(10, "calm"), state(20, "calm"), pod(21, "a", node="calm"))
    _, _, saw = judged(tmp_path, models[:1], *told, period=Period(since=at(10), until=at(15)))
    assert [found.metadata.name for found in saw] == ["calm"]


def test_ratios_are_of_the_worst_party(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    """By hand: a bound's logarithm is 0.05, a margin of 0.1, the others' highest pressure, 0.05 times the sensitivity,
    and 0.01 for each of the others."""
    told = (*two_nodes(), pod(5, "a", node="noisy", annotations=TOLERANT))
    (one,), _, _ = judged(tmp_path, models[:1], *told)
    ratios = dict(zip(one.feasible, one.judgements[0].verdict.ratios.tolist(), strict=True))
    sensitive = 0.05 * 1.2
    assert ratios["calm"] == pytest.approx(np.exp(0.05 + 0.1 + sensitive) / 2.5, rel=0.03)
    assert ratios["noisy"] == pytest.approx(np.exp(0.05 + 0.1 + sensitive + 0.9 + 0.01) / 2.5, rel=0.03)


def test_policies_are_named_in_the_order_of_the_report_and_others_are_refused() -> None:
    assert policies_named("") == tuple(ReplayPolicy)
    assert policies_named("leeward, default,") == (ReplayPolicy.DEFAULT, ReplayPolicy.LEEWARD)
    with pytest.raises(RecordingError, match="no policy is called 'oracle': there are recorded, default, "):
        policies_named("default,oracle")


def test_the_extenders_point_weighs_what_the_shipped_scheduler_gives_it() -> None:
    assert choice_with_scores({"a": 200, "b": 151}, {"a": 4, "b": 5}) == ("b",)
    assert choice_with_scores({"a": 200, "b": 150}, {"a": 4, "b": 5}) == ("a", "b")
    assert best({}) == ()


def test_a_domain_without_room_scores_as_the_extender_says(tmp_path: Path, models: tuple[ReplayedModel, ...]) -> None:
    full = state(3, "calm", Domain(free=0))
    labelled = node(2, "calm", labels={"leeward.dev/topology-policy": "single-numa-node"})
    (one,), _, _ = judged(tmp_path, models[:1], *two_nodes(), labelled, full, pod(5, "a", node="noisy"))
    assert one.judgements[0].scores["calm"] == 0
