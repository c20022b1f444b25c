from pathlib import Path

import pytest

from agent.cpu_list import parse_cpu_list
from agent.errors import TopologyError
from agent.settings import Roots
from agent.topology_sysfs import l3_id, numa_node, online_cpus, read_topology
from tests.unit.agent.machine_tree import Machine, build

LLC_BYTES = 107520 * 1024


def test_two_sockets_with_smt(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine()))
    assert [(domain.name, domain.socket, domain.cpus) for domain in topology.domains] == [
        ("socket0", 0, (0, 1, 4, 5)),
        ("socket1", 1, (2, 3, 6, 7)),
    ]
    assert topology.smt
    assert topology.characterised
    assert topology.stepping == 8
    assert topology.domains[0].ceilings == {
        "NODE.LLC_BYTES": LLC_BYTES,
        "NODE.DRAM_PEAK_BYTES_PER_SECOND": 307.2e9,
        "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK": 0.25,
        "NODE.UPI_PEAK_FLITS_PER_CLOCK": 3.0,
    }


def test_sub_numa_clusters_are_domains_and_share_the_ceilings(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(clusters=2)))
    assert [(domain.name, domain.socket, domain.cpus) for domain in topology.domains] == [
        ("socket0-snc0", 0, (0, 4)),
        ("socket0-snc1", 0, (1, 5)),
        ("socket1-snc0", 1, (2, 6)),
        ("socket1-snc1", 1, (3, 7)),
    ]
    assert topology.domains[1].ceilings["NODE.LLC_BYTES"] == LLC_BYTES / 2
    assert topology.domains[1].ceilings["NODE.DRAM_PEAK_BYTES_PER_SECOND"] == 153.6e9


def test_memory_only_nodes_make_no_domain_and_hbm_raises_the_peak(tmp_path: Path) -> None:
    machine = Machine(memory_only_nodes=2, model_name="Intel(R) Xeon(R) CPU Max 9480")
    topology = read_topology(build(tmp_path, machine))
    assert [domain.name for domain in topology.domains] == ["socket0", "socket1"]
    assert topology.domains[0].ceilings["NODE.DRAM_PEAK_BYTES_PER_SECOND"] == 1638e9


def test_offline_siblings_switch_smt_off(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(offline=frozenset({4, 5, 6, 7}))))
    assert not topology.smt
    assert [domain.cpus for domain in topology.domains] == [(0, 1), (2, 3)]


def test_isolated_and_tickless_cpus_both_count_as_isolated(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(isolated="1", nohz_full="5-6")))
    assert topology.isolated_cpus == {1, 5, 6}


def test_another_cpu_is_not_characterised_and_has_no_memory_ceilings(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(model=106)))
    assert not topology.characterised
    assert set(topology.domains[0].ceilings) == {"NODE.LLC_BYTES"}


def test_identifiers_that_resctrl_needs(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(clusters=2))
    assert [l3_id(roots.sys, cpu) for cpu in (0, 1, 2)] == [0, 0, 1]
    assert [numa_node(roots.sys, cpu) for cpu in (0, 1, 2, 7)] == [0, 1, 2, 3]


def test_this_machine_has_a_topology() -> None:
    topology = read_topology(Roots())
    assert topology.domains
    assert all(domain.cpus for domain in topology.domains)


def test_empty_roots_say_what_to_mount(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="mount the host's /sys"):
        read_topology(Roots.under(tmp_path))


def test_unreadable_trees_say_which_file(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine())
    path = roots.sys / "devices/system/cpu/cpu3/topology/physical_package_id"
    path.unlink()
    with pytest.raises(TopologyError, match=r"physical_package_id can't be read: No such file.*mount the host's /sys"):
        read_topology(roots)


def test_more_clusters_than_a_node_state_holds_make_sockets(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(sockets=2, cores=5, clusters=5, model=106)))
    assert [domain.name for domain in topology.domains] == ["socket0", "socket1"]
    assert sorted(cpu for domain in topology.domains for cpu in domain.cpus) == list(range(20))


def test_a_hypervisor_that_shows_every_cpu_as_a_package_makes_one_domain(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(sockets=16, cores=1, threads=1, model=106)))
    assert [(domain.name, domain.cpus) for domain in topology.domains] == [("socket0", tuple(range(16)))]


def test_what_is_online_now(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(offline=frozenset({1})))
    assert online_cpus(roots) == (0, 2, 3, 4, 5, 6, 7)
    assert online_cpus(Roots.under(tmp_path / "nowhere")) == ()


@pytest.mark.parametrize("text", ["a", "1-", "-3", "1,,2"])
def test_what_is_no_cpu_list_is_refused(text: str) -> None:
    with pytest.raises(TopologyError, match="CPU list"):
        parse_cpu_list(text)
