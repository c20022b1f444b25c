"""What Leeward would have done about a placement, and what the record does not say."""

from pathlib import Path
from typing import Any

import pytest

from eval.shadow.placement import Answer, Fit, Placement, fit_of
from tests.unit.eval.shadow.site import decision, party, placements, write


def placed(state: Path, **changes: Any) -> Placement:
    (found,) = placements(write(state, decision("a", **changes)))
    return found


@pytest.mark.parametrize(
    ("score", "answer", "lost"), [(10, Answer.LEAVE, 0), (9, Answer.MOVE, 1), (None, Answer.UNASKED, 0)]
)
def test_a_pod_would_have_been_moved_where_another_node_scored_better(
    tmp_path: Path, score: int | None, answer: Answer, lost: int
) -> None:
    found = placed(tmp_path, score=score)
    assert (found.answer, found.points_lost) == (answer, lost)


def test_a_ratio_of_one_is_within_and_none_is_unbounded() -> None:
    assert [fit_of(ratio) for ratio in (0.5, 1.0, 1.0001, None)] == [
        Fit.WITHIN,
        Fit.WITHIN,
        Fit.BEYOND,
        Fit.UNBOUNDED,
    ]


OWN = {"parties": (party("a", bound=1.6),), "ratio": 1.1}
RESIDENTS = {"parties": (party("a"), party("b", newcomer=False, bound=3.0)), "ratio": 2.0}


@pytest.mark.parametrize(
    ("told", "ruled_out", "perhaps"),
    [
        pytest.param({**OWN, "required": True, "failed": 1}, True, False, id="its own bound"),
        pytest.param({**OWN, "required": True, "failed": 0}, False, False, id="no node failed: its state was stale"),
        pytest.param({**OWN, "required": False, "failed": 1}, False, True, id="preferred, but some node failed"),
        pytest.param({**RESIDENTS, "required": True, "failed": 1}, False, True, id="a resident's, who may require"),
        pytest.param({"required": True, "failed": 2}, False, False, id="within: others failed"),
        pytest.param({"required": True, "failed": 2, "score": None, "ratio": None}, False, True, id="not asked about"),
        pytest.param({"required": True, "failed": 2, "ratio": None}, False, False, id="unbounded: none to fail by"),
    ],
)
def test_whether_the_filter_would_have_ruled_the_node_out_is_said_as_far_as_it_is_recorded(
    tmp_path: Path, told: dict[str, Any], ruled_out: bool, perhaps: bool
) -> None:
    found = placed(tmp_path, **told)
    assert (found.is_ruled_out, found.may_be_ruled_out) == (ruled_out, perhaps)


def test_a_newcomer_is_ruled_out_by_any_domain_that_may_take_it(tmp_path: Path) -> None:
    both = (party("a", domain="socket0", bound=1.1), party("a", domain="socket1", bound=1.6))
    assert placed(tmp_path, parties=both, required=True, failed=1, ratio=1.1).is_ruled_out
