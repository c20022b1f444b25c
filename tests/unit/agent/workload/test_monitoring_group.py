import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.settings import Roots
from agent.workload.monitoring_group import MonitoringGroup, NotMonitoredError, remove_abandoned
from tests.unit.agent.cgroup_fixture import POD_A, POD_B
from tests.unit.agent.workload.resctrl_fixture import ResctrlFixture

GROUP_A = f"mon_groups/leeward-{POD_A}"
GROUP_B = f"mon_groups/leeward-{POD_B}"
REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def tree(tmp_path: Path) -> ResctrlFixture:
    return ResctrlFixture(Roots.under(tmp_path))


def group(tree: ResctrlFixture, uid: str = POD_A) -> MonitoringGroup:
    return MonitoringGroup(uid, resctrl=tree.roots.resctrl, proc=tree.roots.proc, directories=tree.directories)


def these(*threads: int) -> Callable[[], frozenset[int]]:
    return lambda: frozenset(threads)


def one_after_the_other(*lists: set[int]) -> Callable[[], frozenset[int]]:
    """The last one again and again."""
    waiting = iter(lists)
    last = frozenset(lists[-1])
    return lambda: frozenset(next(waiting, last))


def refusal(tree: ResctrlFixture, threads: Callable[[], frozenset[int]]) -> NotMonitoredError:
    with pytest.raises(NotMonitoredError) as caught:
        group(tree).open(threads)
    assert tree.groups == []
    assert len(caught.value.reason) <= 160
    return caught.value


def test_every_thread_is_moved_and_the_group_is_gone_afterwards(tree: ResctrlFixture) -> None:
    monitored = group(tree)
    assert monitored.open(these(7, 8)) == tree.roots.resctrl / GROUP_A
    assert (tree.groups, tree.moved(GROUP_A)) == ([GROUP_A], [7, 8])
    monitored.close()
    monitored.close()
    assert tree.groups == []


def test_threads_that_appear_while_others_are_moved_are_moved_too(tree: ResctrlFixture) -> None:
    monitored = group(tree)
    monitored.open(one_after_the_other({7}, {7}, {7, 8}, {7, 8, 9}, {8, 9}))
    assert tree.moved(GROUP_A) == [7, 8, 9]
    monitored.follow(these(8, 9, 10))
    assert tree.moved(GROUP_A) == [7, 8, 9, 10]
    monitored.close()


def test_a_pod_that_forks_without_end_does_not_hold_the_agent(tree: ResctrlFixture) -> None:
    numbers = iter(range(1, 10**6))
    monitored = group(tree)
    monitored.open(lambda: frozenset({next(numbers)}))
    assert 1 < len(tree.moved(GROUP_A)) < 100
    monitored.close()


def test_the_writer_itself_is_never_moved(tree: ResctrlFixture) -> None:
    """Thread 0 stands for the one that writes."""
    monitored = group(tree)
    monitored.open(these(0, 7))
    assert tree.moved(GROUP_A) == [7]
    monitored.close()


def test_the_group_lies_below_the_control_group_of_its_tasks(tree: ResctrlFixture) -> None:
    tree.add_control_group("latency")
    tree.join(7, control="latency")
    monitored = group(tree)
    monitored.open(these(7, 8))
    assert tree.groups == [f"latency/{GROUP_A}"]
    monitored.close()


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "every monitoring id"),
        (errno.EBUSY, "try again"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "as root"),
        (errno.EPERM, "as root"),
        (errno.ENOENT, "mount -t resctrl"),
        (errno.EEXIST, "under way"),
        (errno.EIO, "last_cmd_status"),
    ],
)
def test_a_group_that_cannot_be_made_says_why(tree: ResctrlFixture, number: int, advice: str) -> None:
    tree.refuse_making = number
    refused = refusal(tree, these(7))
    assert refused.number == number
    assert advice in refused.reason
    assert errno.errorcode[number] in str(refused)


def test_where_resctrl_is_not_mounted_that_is_told(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    with pytest.raises(NotMonitoredError) as caught:
        MonitoringGroup(POD_A, resctrl=roots.resctrl, proc=roots.proc).open(these(7))
    assert caught.value.number == errno.ENOENT


def test_a_pod_that_another_tool_monitors_is_left_to_it(tree: ResctrlFixture) -> None:
    tree.join(7, monitor="other-tool")
    refused = refusal(tree, these(7))
    assert (refused.number, "other-tool" in refused.reason) == (errno.EBUSY, True)


def test_containers_of_different_classes_are_refused(tree: ResctrlFixture) -> None:
    tree.join(7, control="latency")
    tree.join(8)
    assert refusal(tree, these(7, 8)).number == errno.EINVAL


@pytest.mark.parametrize(("threads", "advice"), [((0,), "hostPID"), ((), "no task")])
def test_tasks_that_cannot_be_named_are_refused(tree: ResctrlFixture, threads: tuple[int, ...], advice: str) -> None:
    refused = refusal(tree, these(*threads))
    assert (refused.number, advice in refused.reason) == (errno.ESRCH, True)


def test_a_list_that_cannot_be_read_is_a_refusal(tree: ResctrlFixture) -> None:
    def fails() -> frozenset[int]:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported", "cgroup.threads")

    assert refusal(tree, fails).number == errno.EOPNOTSUPP


def test_a_tasks_file_that_refuses_leaves_no_group_behind(tree: ResctrlFixture) -> None:
    tree.roots.resctrl.joinpath("mon_groups").chmod(0o755)
    made = tree.directories

    def make_without_tasks(path: Path) -> None:
        made.make(path)
        (path / "tasks").unlink()

    monitored = MonitoringGroup(
        POD_A,
        resctrl=tree.roots.resctrl,
        proc=tree.roots.proc,
        directories=type(made)(make=make_without_tasks, remove=made.remove),
    )
    with pytest.raises(NotMonitoredError):
        monitored.open(these(7))
    assert tree.groups == []


def test_two_pods_are_measured_at_once_and_one_pod_once(tree: ResctrlFixture) -> None:
    first, second = group(tree, POD_A), group(tree, POD_B)
    first.open(these(7))
    second.open(these(8))
    assert tree.groups == [GROUP_A, GROUP_B]
    with pytest.raises(NotMonitoredError, match="under way"):
        group(tree, POD_A).open(these(7))
    second.close()
    assert tree.groups == [GROUP_A]
    first.close()


def test_groups_left_behind_are_removed_and_those_of_others_are_not(tree: ResctrlFixture) -> None:
    tree.add_control_group("latency")
    for name in (GROUP_B, f"latency/{GROUP_B}", "mon_groups/other-tool"):
        tree.set(name, "mon_L3_00")
    monitored = group(tree)
    monitored.open(these(7))
    assert tree.groups == sorted([GROUP_A, "mon_groups/other-tool"])
    monitored.close()


PROGRAM = """
import sys, time
from pathlib import Path
from agent.settings import Roots
from tests.unit.agent.workload.resctrl_fixture import ResctrlFixture
from agent.workload.monitoring_group import Directories, MonitoringGroup
def make(path):
    path.mkdir()
    (path / "tasks").touch()
roots = Roots.under(Path(sys.argv[1]))
MonitoringGroup(sys.argv[2], resctrl=roots.resctrl, proc=roots.proc, directories=Directories(make=make)).open(
    lambda: frozenset({7})
)
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other_process(tmp_path: Path, tree: ResctrlFixture) -> Iterator[subprocess.Popen[str]]:
    """One that measures pod B and hangs."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), POD_B], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_killed_run_is_cleaned_up_after_and_a_living_one_is_not(
    tree: ResctrlFixture, other_process: subprocess.Popen[str]
) -> None:
    remove_abandoned(tree.roots.resctrl, tree.directories)
    assert tree.groups == [GROUP_B]
    os.kill(other_process.pid, signal.SIGKILL)
    other_process.wait()
    assert tree.groups == [GROUP_B]
    remove_abandoned(tree.roots.resctrl, tree.directories)
    assert tree.groups == []
