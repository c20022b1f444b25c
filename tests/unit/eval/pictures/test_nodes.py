import pytest

from contracts.axis import Axis
from eval.pictures.nodes import (
    DOMAIN,
    FIRST,
    OTHER_DOMAIN,
    counts_of,
    counts_of_cpus,
    node_with,
    place,
    slowdown,
    vector_of,
)
from eval.testbed.catalogue import workload
from eval.testbed.stressor import Stressor


def test_the_first_occupant_keeps_its_name_whoever_comes() -> None:
    node = node_with(workload("udr"))
    place(node, [workload("batch"), workload("batch")], domain=OTHER_DOMAIN)
    assert list(node.occupants(DOMAIN)) == [FIRST]
    assert list(node.occupants(OTHER_DOMAIN)) == ["occupant-1", "occupant-2"]


def test_alone_nobody_is_slowed_down() -> None:
    assert slowdown(workload("udr")) == pytest.approx(1.0)
    assert slowdown(workload("udr"), Stressor(axis=Axis.MEMBW, intensity=1.0)) > 1.0


def test_the_cpus_of_two_sockets_count_what_their_domains_count() -> None:
    node, same = node_with(workload("udr")), node_with(workload("udr"))
    domains = counts_of(node, windows=2)
    for domain in same.topology.domains:
        node_again = node_with(workload("udr"))
        own = counts_of_cpus(node_again, frozenset(domain.cpus), windows=2)
        assert own["INST_RETIRED.ANY"] == pytest.approx(domains[domain.name]["INST_RETIRED.ANY"])


def test_a_vector_is_of_the_first_socket() -> None:
    busy, idle = node_with(workload("batch")), node_with()
    assert vector_of(busy, windows=1).value("dram_utilisation") > 5 * vector_of(idle, windows=1).value(
        "dram_utilisation"
    )
