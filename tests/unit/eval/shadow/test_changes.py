"""Placements are counted each once in every table, and the most affected come first."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given

from eval.shadow.changes import SHOWN, changes_of
from eval.shadow.placement import Answer, Fit, Placement
from eval.shadow.words import cells_shown
from tests.unit.eval.shadow.drawn import many_placements
from tests.unit.eval.shadow.site import HOUR, MOVED, NO_BETTER, decision, of_group, placements, write


@given(every=many_placements())
def test_each_placement_counts_once_in_every_table(every: Sequence[Placement]) -> None:
    went = {placement.uid: placement.required for placement in every[::2]}
    found = changes_of(every, went)
    assert found.placements == len(every)
    for cells in (found.cells, cells_shown(found)):
        assert sum(cell.placements for cell in cells) == len(every)
        assert sum(cell.exceeded + cell.kept for cell in cells) == len(went)
    for slots in (found.days, found.hours):
        assert sum(slot.moved + slot.no_better + slot.left + slot.unsaid for slot in slots) == len(every)
        assert all(slot.unsaid >= 0 for slot in slots)
    assert sum(found.points_lost) == found.count(Answer.MOVE) == sum(slot.moved for slot in found.days)
    assert found.beyond() == sum(placement.here is Fit.BEYOND for placement in every)
    for table in (found.workloads, found.nodes):
        assert len(table.rows) <= SHOWN
        if not table.more:
            assert sum(row.placements for row in table.rows) == len(every)


@given(every=many_placements())
def test_ratios_are_told_of_placements_where_both_are_known_and_rise(every: Sequence[Placement]) -> None:
    found = changes_of(every, {})
    known = [one.ratio for one in every if one.ratio is not None and one.best_ratio is not None]
    assert (found.taken is None) is (found.best is None) is (not known)
    if found.taken is not None:
        assert found.taken.worst == max(known) == found.taken.steps[-1]
        assert list(found.taken.steps) == sorted(found.taken.steps)
        assert found.taken.median <= found.taken.ninetieth <= found.taken.worst


def test_the_most_affected_workloads_and_nodes_come_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        decision("a"),
        decision("b", **MOVED),
        decision("c", **{**of_group("q", "c"), **MOVED}),
        decision("d", **{**of_group("q", "d"), **MOVED, "score": 2}),
        decision("e", **{**of_group("r", "e"), **NO_BETTER}),
    )
    found = changes_of(placements(tmp_path), {"b": True, "c": False})
    rows = [(row.name, row.placements, row.moved, row.beyond, row.no_better) for row in found.nodes.rows]
    assert rows == [("spr-q", 2, 2, 2, 0), ("spr-p", 2, 1, 1, 0), ("spr-r", 1, 0, 1, 1)]
    assert (found.nodes.rows[2].taken, found.nodes.rows[2].best, found.nodes.rows[2].worst) == (1.4, 1.4, 1.4)
    assert found.nodes.rows[1].taken == pytest.approx(1.1)
    assert found.points_lost == (0, 0, 0, 0, 0, 2, 0, 1, 0, 0)
    (moved,) = [cell for cell in found.cells if cell.answer is Answer.MOVE]
    assert (moved.here, moved.there, moved.placements, moved.exceeded, moved.kept) == (
        Fit.BEYOND,
        Fit.WITHIN,
        3,
        1,
        1,
    )


def test_days_and_hours_are_those_of_the_judgement_in_utc(tmp_path: Path) -> None:
    write(tmp_path, decision("a"), decision("b", after=26 * HOUR, **MOVED))
    found = changes_of(placements(tmp_path), {})
    assert [(slot.name, slot.left, slot.moved) for slot in found.days] == [("2026-03-02", 1, 0), ("2026-03-03", 0, 1)]
    assert [slot.name for slot in found.hours if slot.left + slot.moved] == ["00", "02"]
    assert len(found.hours) == 24
