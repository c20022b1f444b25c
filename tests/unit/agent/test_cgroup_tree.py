import os
import threading
from pathlib import Path

import pytest

from agent.cgroup_tree import Hierarchy, children, cpuset_hierarchy, effective_cpus, perf_hierarchy, threads
from agent.errors import TopologyError

BOTH = frozenset({0, 1})


def mount(root: Path, *, v1: tuple[str, ...] = (), unified: str | None = None) -> Path:
    for controller in v1:
        (root / controller).mkdir(parents=True)
    if unified is not None:
        (root / unified).mkdir(parents=True, exist_ok=True)
        (root / unified / "cgroup.controllers").write_text("cpuset memory\n")
    return root


def test_a_pure_second_version_serves_both(tmp_path: Path) -> None:
    root = mount(tmp_path, unified=".")
    assert cpuset_hierarchy(root) == perf_hierarchy(root) == Hierarchy(path=root, version=2)


def test_a_pure_first_version_has_a_tree_a_controller(tmp_path: Path) -> None:
    root = mount(tmp_path, v1=("cpuset", "perf_event"))
    assert cpuset_hierarchy(root) == Hierarchy(path=root / "cpuset", version=1)
    assert perf_hierarchy(root) == Hierarchy(path=root / "perf_event", version=1)


def test_hybrid_counts_on_the_unified_tree_where_the_first_version_has_no_perf_event(tmp_path: Path) -> None:
    root = mount(tmp_path, v1=("cpuset",), unified="unified")
    assert cpuset_hierarchy(root) == Hierarchy(path=root / "cpuset", version=1)
    assert perf_hierarchy(root) == Hierarchy(path=root / "unified", version=2)


def test_hybrid_counts_on_the_first_version_where_that_has_perf_event(tmp_path: Path) -> None:
    root = mount(tmp_path, v1=("cpuset", "perf_event"), unified="unified")
    assert perf_hierarchy(root) == Hierarchy(path=root / "perf_event", version=1)


def test_no_mount_is_no_hierarchy(tmp_path: Path) -> None:
    assert cpuset_hierarchy(tmp_path / "nowhere") is None
    assert perf_hierarchy(mount(tmp_path, v1=("cpuset",))) is None


@pytest.mark.parametrize(
    ("version", "name"), [(1, "cpuset.effective_cpus"), (1, "cpuset.cpus"), (2, "cpuset.cpus.effective")]
)
def test_effective_cpus_are_read(tmp_path: Path, version: int, name: str) -> None:
    (tmp_path / name).write_text("0,2-3\n")
    assert effective_cpus(str(tmp_path), version=version, inherited=BOTH) == {0, 2, 3}


@pytest.mark.parametrize("place", [".", "removed"])
def test_without_a_list_the_parents_cpus_hold(tmp_path: Path, place: str) -> None:
    assert effective_cpus(str(tmp_path / place), version=2, inherited=BOTH) == BOTH


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus.effective").write_bytes(b"\xffsome\n")
    with pytest.raises(TopologyError, match="numbers and ranges"):
        effective_cpus(str(tmp_path), version=2, inherited=BOTH)


def test_a_list_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus.effective").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        effective_cpus(str(tmp_path), version=2, inherited=BOTH)
    assert caught.value.filename == f"{tmp_path}/cpuset.cpus.effective"


def test_a_removed_cgroup_has_no_children_and_no_threads(tmp_path: Path) -> None:
    assert children(str(tmp_path / "removed")) == ()
    assert threads(str(tmp_path / "removed"), version=2) == frozenset()


@pytest.mark.parametrize(("version", "name"), [(1, "tasks"), (2, "cgroup.threads")])
def test_threads_are_those_of_all_levels(tmp_path: Path, version: int, name: str) -> None:
    for level, content in (("", ""), ("one", "11\n12\n"), ("one/container", "13\n"), ("two", "0\n0\n")):
        (tmp_path / level).mkdir(exist_ok=True)
        (tmp_path / level / name).write_text(content)
    assert threads(str(tmp_path), version=version) == {0, 11, 12, 13}


def test_this_kernels_own_trees_are_read() -> None:
    """Whatever is mounted here: the root's CPUs are those that are online, and this thread is in it somewhere."""
    hierarchy = cpuset_hierarchy(Path("/sys/fs/cgroup"))
    if hierarchy is None:
        pytest.skip("no hierarchy of cpusets is mounted here")
    cpus = effective_cpus(str(hierarchy.path), version=hierarchy.version, inherited=frozenset())
    assert cpus >= os.sched_getaffinity(0)
    if Path("/proc/self/cgroup").read_text().endswith("::/\n"):
        assert threading.get_native_id() in threads(str(hierarchy.path), version=hierarchy.version)
