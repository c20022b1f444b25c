from itertools import pairwise

import pytest

from eval.pictures.smt_siblings import KINDS, SmtSiblings, smt_siblings
from eval.testbed.catalogue import workload


@pytest.fixture(scope="module")
def data() -> SmtSiblings:
    return smt_siblings((0.0, 0.3, 0.6, 1.0), windows=2)


def test_each_kind_is_of_its_kind() -> None:
    ports = {kind: workload(name).behaviour.port_demand for kind, name in KINDS.items()}
    assert ports["compute-bound"] == max(ports.values())
    assert [kind for kind, name in KINDS.items() if workload(name).polls] == ["poll-mode"]


def test_a_busier_sibling_never_costs_less(data: SmtSiblings) -> None:
    for loss in data.losses:
        assert loss.slowdowns[0] == pytest.approx(1.0, abs=0.02)
        assert all(later >= earlier for earlier, later in pairwise(loss.slowdowns))


def test_who_computes_loses_more_than_who_waits_for_memory(data: SmtSiblings) -> None:
    lost = {loss.kind: loss.slowdowns[-1] for loss in data.losses}
    assert lost["compute-bound"] > lost["memory-bound"] > 1.05
    assert lost["poll-mode"] > 1.05


def test_the_counters_show_the_ports_contended(data: SmtSiblings) -> None:
    for loss in data.losses:
        assert loss.core_bound[-1] > loss.core_bound[0] + 0.05
