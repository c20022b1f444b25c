import shutil
from pathlib import Path

import pytest

from agent.errors import TopologyError
from agent.settings import Roots
from agent.topology_sysfs import l3_id, numa_node, online_cpus, read_topology
from tests.unit.agent.machine_tree import Machine, build

LLC_BYTES = 107520 * 1024


def package_of(roots: Roots, cpu: int) -> Path:
    return roots.sys / f"devices/system/cpu/cpu{cpu}/topology/physical_package_id"


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


@pytest.mark.parametrize(("memory_only_nodes", "peak"), [(0, 1638e9), (2, 307.2e9)])
def test_hbm_raises_the_peak_unless_it_lies_beside_ddr_in_nodes_of_its_own(
    tmp_path: Path, memory_only_nodes: int, peak: float
) -> None:
    machine = Machine(memory_only_nodes=memory_only_nodes, model_name="Intel(R) Xeon(R) CPU Max 9480")
    topology = read_topology(build(tmp_path, machine))
    assert [domain.name for domain in topology.domains] == ["socket0", "socket1"]
    assert topology.domains[0].ceilings["NODE.DRAM_PEAK_BYTES_PER_SECOND"] == peak


def test_offline_siblings_switch_smt_off(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(offline=frozenset({4, 5, 6, 7}))))
    assert not topology.smt
    assert [domain.cpus for domain in topology.domains] == [(0, 1), (2, 3)]


def test_isolated_tickless_and_partitioned_cpus_all_count_as_isolated(tmp_path: Path) -> None:
    topology = read_topology(build(tmp_path, Machine(isolated="1", nohz_full="5-6", partitions="2,6")))
    assert topology.isolated_cpus == {1, 2, 5, 6}


def test_cpus_whose_isolation_is_not_told_are_not_taken_for_free(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(nohz_full="5-"))
    with pytest.raises(TopologyError, match=r"nohz_full: CPU list '5-'"):
        read_topology(roots)


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


def test_a_cpu_without_a_package_is_left_out_and_told(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine())
    (package_of(roots, 3)).unlink()
    package_of(roots, 6).write_text("garbage")
    topology = read_topology(roots)
    assert [domain.cpus for domain in topology.domains] == [(0, 1, 4, 5), (2, 7)]
    (doubt,) = topology.doubts
    assert "2 online CPUs from cpu3 on" in doubt


def test_a_kernel_that_does_not_know_packages_has_one(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(sockets=1))
    for cpu in range(4):
        package_of(roots, cpu).write_text("-1\n")
    assert [domain.name for domain in read_topology(roots).domains] == ["socket0"]


def test_without_any_package_the_trees_are_useless(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(sockets=1))
    shutil.rmtree(roots.sys / "devices/system/cpu/cpu0/topology")
    for cpu in range(1, 4):
        package_of(roots, cpu).unlink()
    with pytest.raises(
        TopologyError, match=r"cpu0/topology/physical_package_id names no package.*mount the host's /sys"
    ):
        read_topology(roots)


def test_unreadable_trees_say_which_file(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine())
    (roots.proc / "cpuinfo").unlink()
    with pytest.raises(TopologyError, match=r"cpuinfo can't be read: No such file.*mount the host's /sys"):
        read_topology(roots)


def test_an_unreadable_list_of_online_cpus_says_so(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine())
    path = roots.sys / "devices/system/cpu/online"
    path.unlink()
    path.mkdir()
    with pytest.raises(TopologyError, match="online can't be read: Is a directory"):
        online_cpus(roots)


@pytest.mark.parametrize("text", ["", "model\t: 143", "vendor_id\t: Genuine\tIntel\nmodel\t: 999999999"])
def test_an_empty_or_garbled_cpuinfo_names_no_sapphire_rapids(tmp_path: Path, text: str) -> None:
    roots = build(tmp_path, Machine())
    (roots.proc / "cpuinfo").write_text(text)
    topology = read_topology(roots)
    assert (topology.vendor, topology.characterised) == ("unknown", False)


def test_numa_nodes_that_share_a_cpu_make_no_domains(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(clusters=2))
    (roots.sys / "devices/system/node/node1/cpulist").write_text("1,5,2\n")
    topology = read_topology(roots)
    assert [domain.name for domain in topology.domains] == ["socket0", "socket1"]
    assert "lists a CPU in two nodes" in topology.doubts[0]


def test_numa_nodes_that_leave_a_cpu_out_make_no_domains_of_its_package(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(clusters=2))
    (roots.sys / "devices/system/node/node1/cpulist").write_text("1\n")
    topology = read_topology(roots)
    assert [domain.name for domain in topology.domains] == ["socket0", "socket1-snc0", "socket1-snc1"]
    assert topology.domains[0].cpus == (0, 1, 4, 5)
    assert "package 0 are in no NUMA node" in topology.doubts[0]


def test_a_garbled_numa_node_makes_no_domains(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(clusters=2, model_name="Intel(R) Xeon(R) CPU Max 9480"))
    (roots.sys / "devices/system/node/node1/cpulist").write_text("garbage")
    topology = read_topology(roots)
    assert [domain.name for domain in topology.domains] == ["socket0", "socket1"]
    assert "node1/cpulist: CPU list 'garbage'" in topology.doubts[0]
    assert numa_node(roots.sys, 7) == 0


def test_a_cache_without_a_size_leaves_occupancy_without_a_measure(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(sockets=1))
    cache = roots.sys / "devices/system/cpu/cpu0/cache/index3"
    (cache / "size").write_text("big\n")
    (cache / "id").write_text("first\n")
    topology = read_topology(roots)
    assert "NODE.LLC_BYTES" not in topology.domains[0].ceilings
    assert "holds no size" in topology.doubts[0]
    assert l3_id(roots.sys, 0) is None


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
