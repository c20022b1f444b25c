import shutil
from pathlib import Path

import numpy as np
import pytest

from agent.settings import AgentSettings, Roots
from agent.sources.refusal import LEFT_ALONE
from agent.sources.resctrl import ResctrlSource
from agent.sources.unread import is_unread
from agent.topology import Domain, Topology
from agent.topology_sysfs import read_topology
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.machine_tree import Machine, add_resctrl, build

ALL = FEATURE_SCHEMA_V1.events
RESCTRL = frozenset(name for name in ALL if name.startswith("RESCTRL."))
OCCUPANCY = "RESCTRL.LLC_OCCUPANCY_BYTES"


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return build(tmp_path, Machine(sockets=1))


def bare() -> Topology:
    return Topology(
        vendor="GenuineIntel",
        family=6,
        model=143,
        stepping=8,
        smt=False,
        domains=(Domain(name="socket0", socket=0, cpus=(0,)),),
    )


def source(roots: Roots) -> ResctrlSource:
    return ResctrlSource(topology=read_topology(roots), settings=AgentSettings(node="n1", roots=roots))


def test_control_groups_add_up_and_monitoring_groups_are_already_in_their_parent(roots: Roots) -> None:
    add_resctrl(roots, "", occupancy=100, total=1000, local=900)
    add_resctrl(roots, "mon_groups/pod-a", occupancy=40, total=400, local=400)
    add_resctrl(roots, "latency", occupancy=7, total=70, local=60)
    add_resctrl(roots, "latency/mon_groups/pod-b", occupancy=3, total=30, local=30)
    resctrl = source(roots)
    opened = resctrl.open(ALL)
    assert (opened.events, opened.missing) == (RESCTRL, ())
    reading = resctrl.read()
    assert reading.gauges == {"socket0": {OCCUPANCY: 107.0}}
    (block,) = reading.blocks
    assert block.instances == ("root@socket0", "latency@socket0")
    assert block.counts.tolist() == [[1000, 900], [70, 60]]


@pytest.mark.parametrize("word", ["Error", "Unavailable", "Unassigned", ""])
def test_a_word_in_place_of_a_number_is_missing_and_never_zero(roots: Roots, word: str) -> None:
    add_resctrl(roots, "", occupancy=100, total=1000, local=900)
    add_resctrl(roots, "latency", occupancy=word, total=word, local=5)
    resctrl = source(roots)
    resctrl.open(ALL)
    reading = resctrl.read()
    assert reading.gauges == {}
    (block,) = reading.blocks
    assert is_unread(enabled_ns=block.enabled_ns, running_ns=block.running_ns).tolist() == [False, True]


def test_clusters_have_their_own_files(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(clusters=2))
    for socket in (0, 1):
        add_resctrl(roots, "", domain=f"mon_L3_0{socket}", occupancy=99, total=99, local=99)
    for node in range(4):
        domain = f"mon_L3_0{node // 2}/mon_sub_L3_0{node}"
        add_resctrl(roots, "", domain=domain, occupancy=node, total=node, local=node)
    resctrl = source(roots)
    resctrl.open(ALL)
    gauges = resctrl.read().gauges
    assert [gauges[f"socket{node // 2}-snc{node % 2}"][OCCUPANCY] for node in range(4)] == [0, 1, 2, 3]


def test_clusters_without_files_of_their_own_are_missing_rather_than_the_sockets_sum(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(clusters=2))
    add_resctrl(roots, "", occupancy=99)
    opened = source(roots).open(ALL)
    assert {entry.event for entry in opened.missing} == RESCTRL


def test_not_mounted_is_told_with_what_to_do(roots: Roots) -> None:
    resctrl = source(roots)
    opened = resctrl.open(ALL)
    assert {(entry.event, entry.errno) for entry in opened.missing} == {(name, "ENOENT") for name in RESCTRL}
    assert "mount -t resctrl" in opened.missing[0].reason
    assert resctrl.read().blocks == ()


def test_a_quantity_that_the_cpu_lacks_is_missing_alone(roots: Roots) -> None:
    add_resctrl(roots, "", occupancy=5, total=1, local=1)
    (roots.resctrl / "mon_data/mon_L3_00/mbm_local_bytes").unlink()
    resctrl = source(roots)
    opened = resctrl.open(ALL)
    assert [entry.event for entry in opened.missing] == ["RESCTRL.MBM_LOCAL_BYTES"]
    assert resctrl.read().blocks[0].events == ("RESCTRL.MBM_TOTAL_BYTES",)


def test_unmounting_between_readings_leaves_nothing_read(roots: Roots) -> None:
    add_resctrl(roots, "", occupancy=5, total=1, local=1)
    resctrl = source(roots)
    resctrl.open(ALL)
    shutil.rmtree(roots.resctrl)
    reading = resctrl.read()
    assert (reading.blocks, reading.gauges) == ((), {})


def test_rows_carry_the_readings_time(roots: Roots) -> None:
    add_resctrl(roots, "", total=1, local=1)
    resctrl = source(roots)
    resctrl.open(ALL)
    reading = resctrl.read()
    (block,) = reading.blocks
    assert np.array_equal(block.enabled_ns, [reading.monotonic_ns])
    assert np.array_equal(block.running_ns, [reading.monotonic_ns])


def test_a_mount_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    """A directory where a file should be stands for whatever makes sysfs unreadable; permissions don't bind root."""
    roots = build(tmp_path, Machine(sockets=1))
    add_resctrl(roots, "", occupancy=5, total=1, local=1)
    (roots.sys / "devices/system/cpu/cpu0/cache/index3/id").unlink()
    (roots.sys / "devices/system/cpu/cpu0/cache/index3/level").unlink()
    (roots.sys / "devices/system/cpu/cpu0/cache/index3/level").mkdir()
    resctrl = ResctrlSource(topology=bare(), settings=AgentSettings(node="n1", roots=roots))
    opened = resctrl.open(ALL)
    assert {entry.event for entry in opened.missing} == RESCTRL
    assert {entry.errno for entry in opened.missing} == {"EISDIR"}
    assert resctrl.read().blocks == ()


def bandwidth_rows(resctrl: ResctrlSource) -> tuple[str, ...]:
    (block,) = resctrl.read().blocks
    return block.instances


def test_where_no_window_ends_occupancy_alone_is_read(roots: Roots) -> None:
    add_resctrl(roots, "", occupancy=100, total=1000, local=900)
    resctrl = source(roots)
    resctrl.open(ALL)
    reading = resctrl.read(ends_window=False)
    assert (reading.blocks, reading.gauges) == ((), {"socket0": {OCCUPANCY: 100.0}})


def test_a_sum_that_lost_a_monitoring_group_is_another_row(roots: Roots) -> None:
    """Else the window would subtract what the lost group counted in all its life."""
    for group in ("", "mon_groups/pod-a", "latency", "latency/mon_groups/pod-b"):
        add_resctrl(roots, group, total=1000, local=900)
    resctrl = source(roots)
    resctrl.open(ALL)
    assert bandwidth_rows(resctrl) == bandwidth_rows(resctrl) == ("root@socket0", "latency@socket0")
    shutil.rmtree(roots.resctrl / "latency/mon_groups/pod-b")
    assert bandwidth_rows(resctrl) == bandwidth_rows(resctrl) == ("root@socket0", "latency#1@socket0")
    shutil.rmtree(roots.resctrl / "mon_groups/pod-a")
    assert bandwidth_rows(resctrl) == ("root#1@socket0", "latency#1@socket0")


def test_a_sum_that_gained_a_monitoring_group_is_the_same_row(roots: Roots) -> None:
    """A new group begins at zero."""
    add_resctrl(roots, "", total=1000, local=900)
    resctrl = source(roots)
    resctrl.open(ALL)
    before = bandwidth_rows(resctrl)
    add_resctrl(roots, "mon_groups/pod-a", total=0, local=0)
    assert bandwidth_rows(resctrl) == before


def test_a_control_group_that_was_removed_and_made_again_is_another_row(roots: Roots) -> None:
    for group in ("", "latency"):
        add_resctrl(roots, group, total=1000, local=900)
    resctrl = source(roots)
    resctrl.open(ALL)
    assert bandwidth_rows(resctrl) == ("root@socket0", "latency@socket0")
    (roots.resctrl / "latency").rename(roots.resctrl.parent / "elsewhere")
    add_resctrl(roots, "latency", total=5000, local=5000)
    assert bandwidth_rows(resctrl) == ("root@socket0", "latency#1@socket0")


def isolated(root: Path, *, cpus: str, policy: IsolatedCpuPolicy) -> ResctrlSource:
    roots = build(root, Machine(isolated=cpus))
    for socket in (0, 1):
        add_resctrl(roots, "", domain=f"mon_L3_{socket:02d}", occupancy=5, total=7, local=6)
    settings = AgentSettings(node="n1", roots=roots, isolated_cpus=policy)
    return ResctrlSource(topology=read_topology(roots), settings=settings)


def test_a_socket_of_isolated_cpus_is_left_alone_under_never(tmp_path: Path) -> None:
    resctrl = isolated(tmp_path, cpus="2,3,6,7", policy=IsolatedCpuPolicy.NEVER)
    assert resctrl.open(ALL).events == RESCTRL
    reading = resctrl.read()
    assert set(reading.gauges) == {"socket0"}
    assert {domain for block in reading.blocks for domain in block.domains} == {"socket0"}


def test_a_socket_of_isolated_cpus_is_read_at_a_windows_end_otherwise(tmp_path: Path) -> None:
    resctrl = isolated(tmp_path, cpus="2,3,6,7", policy=IsolatedCpuPolicy.SAMPLED)
    resctrl.open(ALL)
    assert set(resctrl.read(ends_window=False).gauges) == {"socket0"}
    assert set(resctrl.read().gauges) == {"socket0", "socket1"}


def test_a_node_of_isolated_cpus_says_why_nothing_is_read(tmp_path: Path) -> None:
    opened = isolated(tmp_path, cpus="0-7", policy=IsolatedCpuPolicy.NEVER).open(ALL)
    assert {entry.event for entry in opened.missing} == RESCTRL
    assert {entry.reason for entry in opened.missing} == {LEFT_ALONE}
