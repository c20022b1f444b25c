"""Whatever lies in the decisions' files, what can be read counts once, and what can't is counted and named."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.shadow.placement import Answer, Fit
from eval.shadow.trouble import Trouble, Troubles
from scheduler_extender.decisions import DECISIONS, DecisionWriter
from tests.unit.eval.shadow.site import BEGAN, LATER, MINUTE, decision, party, placements, write


def changed(**changes: object) -> bytes:
    return json.dumps(json.loads(decision("other").to_json()) | changes).encode()


def test_what_an_extender_writes_is_what_is_read(tmp_path: Path) -> None:
    told = decision("a", score=4, ratio=1.25, best_ratio=None, required=True, failed=2)
    writer = DecisionWriter(tmp_path / DECISIONS)
    writer.write(told.to_json())
    writer.close()
    (found,) = placements(tmp_path)
    assert (found.decided, found.uid, found.namespace, found.workload, found.node) == (
        BEGAN,
        "a",
        "core",
        told.workload,
        "spr-p",
    )
    assert (found.champion, found.shadowed, found.required, found.failed, found.nodes) == (
        told.champion,
        True,
        True,
        2,
        3,
    )
    assert (found.score, found.ratio, found.best_score, found.best_ratio) == (4, 1.25, 10, None)
    assert (found.answer, found.here, found.there) == (Answer.MOVE, Fit.BEYOND, Fit.UNBOUNDED)
    assert found.parties is not None
    assert [(one.uid, one.namespace, one.bound, one.tolerance) for one in found.parties] == [("a", "core", 1.2, 1.5)]


def test_all_files_of_all_folders_are_read_in_the_order_in_which_pods_were_judged(tmp_path: Path) -> None:
    write(tmp_path, decision("c", after=3 * MINUTE))
    write(tmp_path, decision("a", after=MINUTE), file="decisions.jsonl.1")
    write(tmp_path, decision("b", after=2 * MINUTE), folder="replica-2")
    assert [placement.uid for placement in placements(tmp_path)] == ["a", "b", "c"]


def test_the_first_version_names_no_parties(tmp_path: Path) -> None:
    first = {key: value for key, value in json.loads(decision("a").to_json()).items() if key != "parties"}
    write(tmp_path, json.dumps(first | {"version": 1}).encode(), decision("b", parties=()))
    assert [placement.parties for placement in placements(tmp_path)] == [None, ()]


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        pytest.param(decision("torn").to_json()[:100], Trouble.TORN, id="torn"),
        pytest.param(b"[1, 2]", Trouble.TORN, id="no object"),
        pytest.param(changed(version=3), Trouble.OTHER_VERSION, id="version 3"),
        pytest.param(changed(tolerance=None), Trouble.BROKEN, id="no tolerance"),
        pytest.param(changed(tolerance=0.5), Trouble.BROKEN, id="tolerance below 1"),
        pytest.param(
            decision("other", parties=(party("other", tolerance=0.0),)).to_json(),
            Trouble.BROKEN,
            id="party's tolerance",
        ),
        pytest.param(changed(decided="yesterday"), Trouble.BROKEN, id="no time"),
        pytest.param(decision("late", after=timedelta(days=31)).to_json(), Trouble.AHEAD, id="from the future"),
    ],
)
def test_a_line_that_cant_be_read_is_named_with_its_place_and_the_others_count(
    tmp_path: Path, line: bytes, trouble: Trouble
) -> None:
    write(tmp_path, decision("a"), line, decision("b", after=MINUTE))
    troubles = Troubles()
    assert [placement.uid for placement in placements(tmp_path, troubles=troubles)] == ["a", "b"]
    assert troubles.counts == {trouble: 1}
    assert troubles.first[trouble].startswith("decisions.jsonl:2: ")


def test_a_line_that_is_being_written_is_torn_and_nothing_else_is_lost(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    with (tmp_path / DECISIONS / "decisions.jsonl").open("ab") as file:
        file.write(decision("b").to_json()[:50])
    troubles = Troubles()
    assert [placement.uid for placement in placements(tmp_path, troubles=troubles)] == ["a"]
    assert troubles.counts == {Trouble.TORN: 1}


def test_a_line_that_stands_there_again_counts_once(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    write(tmp_path, decision("a"), folder="copied-on-tuesday")
    troubles = Troubles()
    assert len(placements(tmp_path, troubles=troubles)) == 1
    assert troubles.counts == {Trouble.AGAIN: 1}


@pytest.mark.parametrize("folders", [("one", "two"), ("two", "one")])
def test_of_two_replicas_that_judged_a_pod_the_later_counts_and_whatever_either_ruled_out(
    tmp_path: Path, folders: tuple[str, str]
) -> None:
    write(tmp_path, decision("a", failed=3, score=4), folder=folders[0])
    write(tmp_path, decision("a", after=MINUTE, failed=0, score=7), folder=folders[1])
    troubles = Troubles()
    (found,) = placements(tmp_path, troubles=troubles)
    assert (found.score, found.failed) == (7, 3)
    assert troubles.counts == {Trouble.TWICE: 1}
    assert "UID a" in troubles.first[Trouble.TWICE]


@given(rubbish=st.lists(st.binary(max_size=60).map(lambda content: content.replace(b"\n", b" ")), max_size=6))
def test_rubbish_between_lines_loses_no_decision(rubbish: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        state, troubles = Path(directory), Troubles()
        lines = [line for number, junk in enumerate(rubbish) for line in (junk, decision(f"pod-{number}"))]
        write(state, decision("first"), *lines)
        found = placements(state, troubles=troubles)
        assert {placement.uid for placement in found} == {"first", *(f"pod-{number}" for number in range(len(rubbish)))}
        assert sum(troubles.counts.values()) == sum(not junk.isspace() and junk != b"" for junk in rubbish)


def test_a_decision_within_the_clocks_tolerance_of_now_counts(tmp_path: Path) -> None:
    write(tmp_path, decision("a", decided=LATER))
    assert len(placements(tmp_path)) == 1
