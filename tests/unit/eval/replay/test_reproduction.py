"""The replay held against what the extender wrote: the same, or why not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from eval.replay.judge import ReplayedModel
from eval.replay.reproduction import Difference, ReproductionTally
from eval.replay.walk import Judged
from tests.unit.eval.replay.site import TOLERANT, bundle_in, decision_of, judged, pod, two_nodes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ReplayedModel:
    return ReplayedModel(name="champion", bundle=bundle_in(tmp_path_factory.mktemp("models") / "1"))


@pytest.fixture(scope="module")
def one(model: ReplayedModel, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A router that went to the noisy node."""
    told = (*two_nodes(), pod(5, "a", node="noisy", annotations=TOLERANT))
    found, _, _ = judged(tmp_path_factory.mktemp("recording"), [model], *told)
    return found[0]


def tally_of(one: Judged, model: ReplayedModel, changes: Mapping[str, Any]) -> ReproductionTally:
    """Of a decision as the extender would have written it, but for some changes."""
    judgement = one.judgements[0]
    truth = {
        "champion": model.bundle.digest,
        "tolerance": 2.5,
        "score": judgement.scores["noisy"],
        "ratio": float(judgement.verdict.ratios[one.feasible.index("noisy")]),
    }
    decision = decision_of("a", 5, **{**truth, **changes})
    tally = ReproductionTally([model])
    tally.add(replace(one, placement=replace(one.placement, decision=decision)))
    return tally


@pytest.mark.parametrize("changes", [{}, {"nodes": 9}, {"shadowed": True}], ids=["same", "more-nodes", "shadowed"])
def test_the_same_score_and_bound_are_the_same_decision(
    one: Judged, model: ReplayedModel, changes: dict[str, Any]
) -> None:
    found = tally_of(one, model, changes)
    assert (found.compared, found.reproduced, found.differences) == (1, 1, {})
    assert found.asked_otherwise == ("nodes" in changes)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"champion": "sha256:" + "9" * 64}, Difference.OTHER_MODEL),
        ({"score": None, "ratio": None}, Difference.NOT_ASKED),
        ({"tolerance": 1.1, "ratio": 3.0}, Difference.OTHER_SETTINGS),
        ({"required": True, "score": 9}, Difference.OTHER_SETTINGS),
        ({"workload": "amf", "ratio": 3.0}, Difference.OTHER_WORKLOAD),
        ({"ratio": None}, Difference.PREDICTED_ONCE),
        ({"ratio": 3.0}, Difference.OTHER_BOUND),
        ({"score": 9, "nodes": 3}, Difference.OTHER_NODES),
        ({"score": 9}, Difference.OTHER_BEST),
    ],
    ids=lambda value: value.name if isinstance(value, Difference) else "",
)
def test_what_differs_is_named_as_far_as_it_is_known(
    one: Judged, model: ReplayedModel, changes: dict[str, Any], difference: Difference
) -> None:
    found = tally_of(one, model, changes)
    assert (found.compared, found.reproduced, found.differences) == (1, 0, {difference: 1})
    assert found.figures().differences == {difference.value: 1}


def test_without_a_decision_there_is_nothing_to_compare(one: Judged, model: ReplayedModel) -> None:
    tally = ReproductionTally([model])
    tally.add(one)
    assert tally.figures().decisions == 0
