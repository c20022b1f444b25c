import errno
from pathlib import Path

import numpy as np
import pytest

from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.unread import is_unread
from agent.topology_sysfs import read_topology
from agent.window import window_deltas
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.fake_kernel import METRICS, SLOTS, FakeKernel, OpenCounter
from tests.unit.agent.machine_tree import Machine, build

ALL = FEATURE_SCHEMA_V1.events
CORE = frozenset(name for name in ALL if EVENTS[name].pmu is Pmu.CORE)


def source(
    root: Path,
    fake: FakeKernel,
    machine: Machine | None = None,
    *,
    policy: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER,
    remote_reads_per_second: float = 1000.0,
) -> PerfSource:
    roots = build(root, machine or Machine())
    settings = AgentSettings(
        node="n1", roots=roots, isolated_cpus=policy, remote_reads_per_second=remote_reads_per_second
    )
    return PerfSource(
        topology=read_topology(roots), settings=settings, kernel=fake.kernel, monotonic_ns=lambda: fake.now_ns
    )


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


def test_sampled_isolated_cpus_run_the_most_telling_group_alone(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.SAMPLED)
    core.open(ALL)
    (group,) = fake.groups_on(1)
    assert [counter.config for counter in group] == [counter.config for counter in fake.groups_on(0)[0]]
    assert group[0].config == SLOTS


def test_nothing_is_read_between_the_ends_of_a_window(tmp_path: Path) -> None:
    """Not even where groups of isolated CPUs take turns."""
    fake = FakeKernel()
    core = source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.FULL)
    core.open(ALL)
    fake.advance(1000)
    assert core.read(ends_window=False).blocks == ()
    assert fake.reads == 0
    assert core.read().blocks != ()


def test_groups_take_turns_on_isolated_cpus_under_the_full_policy(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake, Machine(isolated="1,5"), policy=IsolatedCpuPolicy.FULL)
    core.open(ALL)
    groups = len(fake.groups_on(0))
    assert len(fake.groups_on(1)) == len(fake.groups_on(5)) == groups > 1

    def counting(cpu: int) -> list[int]:
        return [index for index, group in enumerate(fake.groups_on(cpu)) if group[0].started_ns is not None]

    for turn in range(2 * groups):
        assert counting(1) == counting(5) == [turn % groups]
        assert counting(0) == list(range(groups))
        core.read(ends_window=False)
    core.close()
    core.read(ends_window=False)


def test_what_was_counted_in_turns_is_scaled_to_the_whole_window(tmp_path: Path) -> None:
    """Each group runs a share of the time; what it would have counted in all of it is what comes out."""
    fake = FakeKernel(rate=lambda counter: 1.0)
    core = source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.FULL)
    core.open(ALL)
    first = core.read()
    for _ in range(2 * len(fake.groups_on(1))):
        fake.advance(10_000_000)
        core.read(ends_window=False)
    last = core.read()
    isolated = [
        delta for delta in window_deltas(first, last, minimum_running_share=0.05) if delta.instances == ("cpu1",)
    ]
    assert len(isolated) == len(fake.groups_on(1)) > 1
    for delta in isolated:
        assert delta.good.all()
        assert (delta.scaled == last.monotonic_ns - first.monotonic_ns).all()


def test_rows_of_groups_in_turns_that_were_not_read_stay_marked(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.FULL)
    core.open(ALL)
    fake.unreadable = {fake.groups_on(1)[0][0].fd}
    fake.advance(1000)
    unread = [
        is_unread(enabled_ns=block.enabled_ns, running_ns=block.running_ns)
        for block in core.read().blocks
        if block.instances == ("cpu1",)
    ]
    assert [bool(rows.any()) for rows in unread] == [True] + [False] * 5


def test_the_ceiling_leaves_out_the_least_telling_groups_and_says_so(tmp_path: Path) -> None:
    """Eight CPUs, a window of ten seconds: each group costs 0.8 reads a second."""
    fake = FakeKernel()
    core = source(tmp_path, fake, remote_reads_per_second=2.0)
    opened = core.open(ALL)
    assert len(fake.groups_on(0)) == 2
    assert fake.groups_on(0)[0][0].config == SLOTS
    assert opened.events | {entry.event for entry in opened.missing} == CORE
    assert {(entry.errno, entry.reason) for entry in opened.missing} == {
        ("EDQUOT", "left out to read other CPUs 2 times a second at most: raise remote_reads_per_second")
    }


def test_a_ceiling_below_one_group_leaves_nothing(tmp_path: Path) -> None:
    fake = FakeKernel()
    opened = source(tmp_path, fake, remote_reads_per_second=0.1).open(ALL)
    assert opened.events == frozenset()
    assert {entry.errno for entry in opened.missing} == {"EDQUOT"}
    assert fake.open_counters == {}


def test_interruptions_are_counted(tmp_path: Path) -> None:
    fake = FakeKernel()
    core = source(tmp_path, fake, Machine(isolated="1"), policy=IsolatedCpuPolicy.FULL)
    core.open(ALL)
    groups = 8 * len(fake.groups_on(0))
    assert (core.figures.groups, core.figures.interruptions) == (groups, 0)
    assert core.figures.descriptors == len(fake.open_counters)
    core.read()
    core.read(ends_window=False)
    assert core.figures.interruptions == groups + 2


def test_a_wholly_isolated_node_says_so(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(isolated="0-7")).open(ALL)
    assert {entry.event for entry in opened.missing} == CORE
    assert all("isolated" in entry.reason for entry in opened.missing)


def test_a_wholly_isolated_node_under_policy_sampled_says_why_it_counts_one_group(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(isolated="0-7"), policy=IsolatedCpuPolicy.SAMPLED).open(ALL)
    assert "TOPDOWN.SLOTS" in opened.events
    assert opened.events | {entry.event for entry in opened.missing} == CORE
    assert {entry.errno for entry in opened.missing} == {"ENODEV"}
    assert all("set spec.isolatedCpus to full" in entry.reason for entry in opened.missing)


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
