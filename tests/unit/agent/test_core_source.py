import errno
from pathlib import Path

import numpy as np
import pytest

from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.unread import is_unread
from agent.topology_sysfs import read_topology
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.fake_kernel import METRICS, FakeKernel, OpenCounter
from tests.unit.agent.machine_tree import Machine, build

ALL = FEATURE_SCHEMA_V1.events
CORE = frozenset(name for name in ALL if EVENTS[name].pmu is Pmu.CORE)


def source(
    root: Path,
    fake: FakeKernel,
    machine: Machine | None = None,
    *,
    policy: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER,
) -> PerfSource:
    roots = build(root, machine or Machine())
    settings = AgentSettings(node="n1", roots=roots, isolated_cpus=policy)
    return PerfSource(topology=read_topology(roots), settings=settings, kernel=fake.kernel)


def test_a_full_pmu_counts_every_core_event_on_every_cpu(tmp_path: Path) -> None:
    fake = FakeKernel(rate=lambda counter: counter.config / 2**20)
    with_all = source(tmp_path, fake)
    opened = with_all.open(ALL)
    assert opened.events == CORE
    assert opened.missing == ()
    fake.advance(2**20)
    reading = with_all.read()
    for block in reading.blocks:
        assert block.pmu is Pmu.CORE
        assert set(block.instances) == {f"cpu{cpu}" for cpu in range(8)}
        assert dict(zip(block.instances, block.domains, strict=True))["cpu6"] == "socket1"
        assert (block.enabled_ns == 2**20).all()
    by_event = {name: block.counts[:, block.events.index(name)] for block in reading.blocks for name in block.events}
    assert by_event.keys() == CORE
    assert (by_event["XQ.FULL_CYCLES"] == 0x100012D).all()
    assert (by_event["PERF_METRICS.MEMORY_BOUND"] == 0x8700).all()


def test_one_read_a_group_and_everything_is_closed(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake)
    core.open(ALL)
    groups = sum(len(fake.groups_on(cpu)) for cpu in range(8))
    core.read()
    assert fake.reads == groups
    core.close()
    core.close()
    assert fake.open_counters == {}
    assert core.read().blocks == ()


def test_fewer_counters_make_more_and_smaller_groups(tmp_path: Path) -> None:
    fake = FakeKernel(counters=3)
    assert source(tmp_path, fake).open(ALL).events == CORE
    widths = [len([counter for counter in group if counter.config not in METRICS]) for group in fake.groups_on(0)]
    assert len(widths) > 6
    assert max(widths) <= 3 + 2


def test_the_watchdogs_cycle_counter_is_not_counted_upon(tmp_path: Path) -> None:
    fake = FakeKernel()
    source(tmp_path, fake, Machine(nmi_watchdog=True)).open(frozenset({"CPU_CLK_UNHALTED.THREAD", *CORE}))
    for group in fake.groups_on(0):
        configs = {counter.config for counter in group}
        if 0x3C in configs:
            assert len(configs - METRICS - {0xC0, 0x400}) <= 8


@pytest.mark.parametrize(
    ("number", "name"),
    [(errno.ENOENT, "ENOENT"), (errno.EACCES, "EACCES"), (errno.EPERM, "EPERM"), (errno.EINVAL, "EINVAL")],
)
def test_a_refusal_is_reported_with_its_errno(tmp_path: Path, number: int, name: str) -> None:
    fake = FakeKernel(refuse=lambda counter: number)
    opened = source(tmp_path, fake).open(ALL)
    assert opened.events == frozenset()
    assert {entry.event for entry in opened.missing} == CORE
    assert {entry.errno for entry in opened.missing} == {name}
    assert all(20 < len(entry.reason) <= 160 for entry in opened.missing)


def test_metrics_that_a_guest_lacks_leave_the_raw_slots(tmp_path: Path) -> None:
    fake = FakeKernel(refuse=lambda counter: errno.EINVAL if counter.config in METRICS else 0)
    opened = source(tmp_path, fake).open(ALL)
    assert {entry.event for entry in opened.missing} == {name for name in CORE if name.startswith("PERF_METRICS")}
    assert "TOPDOWN.SLOTS_P" in opened.events


def test_a_group_that_the_kernel_cannot_schedule_is_split(tmp_path: Path) -> None:
    """A constraint nobody wrote down: these two never count together."""
    fake = FakeKernel()

    def refuse(counter: OpenCounter) -> int:
        if counter.leader == counter.fd:
            return 0
        siblings = {fake.open_counters[fd].config for fd in fake.open_counters[counter.leader].members}
        return errno.EINVAL if {0x4D1, 0x20D1} <= siblings | {counter.config} else 0

    fake.refuse = refuse
    assert source(tmp_path, fake).open(ALL).events == CORE


def test_one_cpu_that_refuses_does_not_take_the_event_from_the_others(tmp_path: Path) -> None:
    fake = FakeKernel(refuse=lambda counter: errno.ENODEV if counter.cpu == 7 else 0)
    core = source(tmp_path, fake)
    opened = core.open(ALL)
    assert opened.events == CORE
    assert opened.missing == ()
    assert all("cpu7" not in block.instances for block in core.read().blocks)


def test_a_row_that_cannot_be_read_keeps_its_place_and_is_marked(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake)
    core.open(frozenset({"INST_RETIRED.ANY"}))
    fake.unreadable = {group[0].fd for group in fake.groups_on(3)}
    fake.advance(1000)
    (block,) = core.read().blocks
    unread = is_unread(enabled_ns=block.enabled_ns, running_ns=block.running_ns)
    assert [name for name, is_bad in zip(block.instances, unread, strict=True) if is_bad] == ["cpu3"]


def test_isolated_cpus_are_left_alone_by_default(tmp_path: Path) -> None:
    fake = FakeKernel()
    source(tmp_path, fake, Machine(isolated="1,5")).open(ALL)
    assert fake.groups_on(1) == fake.groups_on(5) == []
    assert len(fake.groups_on(0)) > 1


def test_sampled_isolated_cpus_run_one_group_and_are_read_once_a_window(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.SAMPLED)
    core.open(ALL)
    assert len(fake.groups_on(1)) == 1
    first, second = ({name for block in core.read().blocks for name in block.instances} for _ in range(2))
    assert first - second == {"cpu1"}


def test_full_policy_treats_isolated_cpus_like_the_others(tmp_path: Path) -> None:
    fake = FakeKernel()
    source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.FULL).open(ALL)
    assert len(fake.groups_on(1)) == len(fake.groups_on(0))


def test_a_wholly_isolated_node_says_so(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(isolated="0-7")).open(ALL)
    assert {entry.event for entry in opened.missing} == CORE
    assert all("isolated" in entry.reason for entry in opened.missing)


def test_this_machine_is_really_tried() -> None:
    settings = AgentSettings(node="n1")
    core = PerfSource(topology=read_topology(settings.roots), settings=settings)
    opened = core.open(ALL)
    blocks = core.read().blocks
    core.close()
    assert opened.events | {entry.event for entry in opened.missing} == CORE
    assert {name for block in blocks for name in block.events} == opened.events
    assert all(np.dtype(np.uint64) == block.counts.dtype for block in blocks)


def test_on_another_cpu_all_is_tried_and_nothing_kept(tmp_path: Path) -> None:
    fake = FakeKernel(refuse=lambda counter: errno.ENOENT if counter.config == 0x4D1 else 0)
    opened = source(tmp_path, fake, Machine(model=106)).open(ALL)
    errnos = {entry.event: entry.errno for entry in opened.missing}
    assert errnos.keys() == CORE
    assert errnos.pop("MEM_LOAD_RETIRED.L3_HIT") == "ENOENT"
    assert set(errnos.values()) == {"EOPNOTSUPP"}
    assert fake.open_counters == {}


def test_a_hidden_pmu_is_told_and_no_crash(tmp_path: Path) -> None:
    """A directory where a file should be stands for whatever makes sysfs unreadable; permissions don't bind root."""
    core = source(tmp_path, FakeKernel())
    path = tmp_path / "sys/bus/event_source/devices/cpu/type"
    path.unlink()
    path.mkdir()
    opened = core.open(ALL)
    assert {entry.event for entry in opened.missing} == CORE
    assert {entry.errno for entry in opened.missing} == {"EISDIR"}
    assert str(path) in opened.missing[0].reason


def test_a_leader_that_cannot_be_started_is_closed_with_its_members(tmp_path: Path) -> None:
    fake = FakeKernel(refuse_to_start=errno.EIO)
    opened = source(tmp_path, fake).open(ALL)
    assert {entry.errno for entry in opened.missing} == {"EIO"}
    assert fake.open_counters == {}


def test_members_are_closed_before_their_leader(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake)
    core.open(ALL)
    leader_of = {fd: counter.leader for fd, counter in fake.open_counters.items()}
    fake.closed.clear()
    core.close()
    for fd, leader in leader_of.items():
        assert fake.closed.index(fd) <= fake.closed.index(leader)


def test_descriptors_that_run_out_are_told_and_those_that_were_got_stay(tmp_path: Path) -> None:
    fake = FakeKernel()
    fake.refuse = lambda counter: errno.EMFILE if len(fake.open_counters) >= 100 else 0
    core = source(tmp_path, fake)
    opened = core.open(ALL)
    assert opened.events
    assert opened.events | {entry.event for entry in opened.missing} == CORE
    assert {entry.errno for entry in opened.missing} <= {"EMFILE"}
    assert len(fake.open_counters) <= 100
    core.close()
    assert fake.open_counters == {}
