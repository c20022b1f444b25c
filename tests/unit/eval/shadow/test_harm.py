"""Pods in danger are counted once each, however many placements they were in danger at."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given

from eval.shadow.harm import harm_of
from eval.shadow.placement import Placement
from tests.unit.eval.shadow.drawn import many_placements
from tests.unit.eval.shadow.site import MINUTE, MOVED, decision, party, placements, write


def test_a_resident_in_danger_at_two_placements_is_one_pod(tmp_path: Path) -> None:
    resident = party("old", workload="amf", newcomer=False, bound=1.8, tolerance=1.2)
    write(
        tmp_path,
        decision("a", parties=(party("a"), resident), **MOVED),
        decision("b", after=MINUTE, parties=(party("b", bound=3.0), resident)),
        decision("c", after=2 * MINUTE),
    )
    found = harm_of(placements(tmp_path))
    assert (found.placements, found.at, found.moved, found.newcomers, found.residents) == (3, 2, 1, 1, 1)
    amf, upf = found.workloads
    assert (amf.workload, amf.newcomers, amf.residents, amf.placements, amf.moved) == ("amf", 0, 1, 2, 1)
    assert amf.worst == pytest.approx(1.5)
    assert (upf.newcomers, upf.residents, upf.placements, upf.moved, upf.worst) == (1, 0, 1, 0, 2.0)


def test_a_newcomer_in_danger_in_both_domains_that_may_take_it_is_one_pod(tmp_path: Path) -> None:
    both = (party("a", bound=1.6), party("a", domain="socket1", bound=1.9))
    found = harm_of(placements(write(tmp_path, decision("a", parties=both))))
    assert (found.newcomers, found.at) == (1, 1)


@given(every=many_placements())
def test_no_total_exceeds_what_there_is_and_no_workload_exceeds_the_total(every: Sequence[Placement]) -> None:
    found = harm_of(every)
    assert found.moved <= found.at <= found.placements <= len(every)
    for row in found.workloads:
        assert row.worst > 1.0
        assert row.newcomers <= found.newcomers
        assert row.residents <= found.residents
        assert row.moved <= row.placements <= found.at
    if not found.more and found.workloads:
        assert found.at <= sum(row.placements for row in found.workloads)
