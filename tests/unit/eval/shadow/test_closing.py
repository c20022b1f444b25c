"""The last word says what is known, and never more."""

from pathlib import Path
from typing import Any

from eval.figure import Figure
from eval.shadow.build import shadow_report
from eval.shadow.closing import closing_sentences
from eval.shadow.report import Arm, Arms, ShadowReport
from tests.unit.eval.shadow.site import LATER, MINUTE, MOVED, NO_BETTER, decision, evidence, of_group, went, write
from tests.unit.eval.watch.site import GROUPS


def report(state: Path, rows: list[Any] | None = None) -> ShadowReport:
    return shadow_report(state, evidence(rows or []), now=LATER)


def said(state: Path, rows: list[Any] | None = None) -> str:
    return " ".join(report(state, rows).closing)


def test_without_outcomes_nobody_can_say_whether_it_was_right(tmp_path: Path) -> None:
    write(tmp_path, decision("a", **MOVED), decision("b"), decision("c", **NO_BETTER), decision("d", score=None))
    told = said(tmp_path)
    assert "would have moved 1 of 3 placements (33 %)" in told
    assert "In 2 a bound was beyond its tolerance" in told
    assert "it would have moved 1: 1 to where every bound was within. For 1 of them no node" in told
    assert "Nothing is known of how any of them went, so nobody can say" in told


def test_few_workloads_are_said_to_be_not_enough(tmp_path: Path) -> None:
    write(tmp_path, decision("a", **MOVED))
    told = said(tmp_path, [went(MINUTE, 1.9)])
    assert "Of 1 that it would have moved, 1 had a party beyond its tolerance; of 0 that it would have left, 0." in told
    assert "not enough to say whether it was right: both kinds need 5 workloads with an outcome" in told
    assert "and there are 1 and 0." in told
    assert "nobody has measured" in told


def lived(state: Path, *, moved: float, left: float, times: int = 1) -> str:
    """Five workloads moved and five left, each on a node of its own, slowed down so much."""
    rows, lines = [], []
    for number in range(times):
        at = number * 3 * MINUTE
        for group in GROUPS:
            for name, changes, slowdown, domain in (
                ("m", MOVED, moved, "socket0"),
                ("l", {}, left, "socket1"),
            ):
                uid = f"{name}-{group}-{number}"
                told = {**of_group(group, uid, domain=domain), **changes, "workload": f"{name}-{group}"}
                lines.append(decision(uid, after=at, **told))
                rows.append(went(at + MINUTE, slowdown, group=group, domain=domain))
    write(state, *lines)
    return said(state, rows)


def test_what_fared_worse_beyond_chance_is_said_to_and_whichever_way(tmp_path: Path) -> None:
    assert "What it would have moved fared worse, beyond chance: 100 %" in lived(tmp_path / "a", moved=1.9, left=1.0)
    told = lived(tmp_path / "b", moved=1.0, left=1.9)
    assert "What it would have left fared worse, beyond chance" in told
    assert "Don't switch on before you know why" in told
    assert "can't be told from chance: 0 % (0 to 45) against 0 % (0 to 45)" in lived(
        tmp_path / "c", moved=1.0, left=1.0, times=2
    )


def test_where_no_bound_was_beyond_it_is_said_of_what_was_bounded_alone(tmp_path: Path) -> None:
    write(tmp_path, decision("a", score=8), decision("b", ratio=None))
    assert "Wherever a pod went and anything was predicted, every bound was within" in said(tmp_path)


def test_where_no_node_taken_was_asked_about_no_share_is_told(tmp_path: Path) -> None:
    write(tmp_path, decision("a", score=None, ratio=None))
    assert "None of 1 pods in the shadow went to a node that was asked about last" in said(tmp_path)
    assert "0 of 0" not in said(tmp_path)


def test_where_nothing_was_in_the_shadow_nothing_is_said_of_what_would_have_been(tmp_path: Path) -> None:
    write(tmp_path, decision("a", shadowed=False, **MOVED))
    assert report(tmp_path).closing == (
        "No pod was in the shadow: all were placed with Leeward's scores, so nothing is known of what would have been "
        "without them.",
    )


def arm(lower: float, value: float, upper: float) -> Arm:
    return Arm(workloads=9, windows=90, beyond=Figure(value=value, lower=lower, upper=upper, units=9))


def test_arms_are_compared_as_far_as_their_intervals_tell(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    found = report(tmp_path)
    low, middle, high = arm(0.0, 0.05, 0.1), arm(0.05, 0.2, 0.4), arm(0.3, 0.5, 0.7)
    for shadowed, steered, told in (
        (high, low, "Steered workloads fared better, beyond chance"),
        (low, high, "Steered workloads fared worse, beyond chance"),
        (middle, high, "can't be told from chance"),
        (Arm(workloads=3, windows=9, beyond=None), high, "Too few workloads to compare"),
    ):
        arms = Arms(shadowed=shadowed, steered=steered, changed=0, unknown=0)
        assert told in closing_sentences(found.seen, found.shadowed, found.right, arms)[-1]
