import errno
from pathlib import Path

from agent.settings import AgentSettings
from agent.sources.refusal import LEFT_ALONE
from agent.sources.uncore import UncoreSource
from agent.topology_sysfs import read_topology
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.fake_kernel import HOME, FakeKernel, OpenCounter
from tests.unit.agent.logged import logged_events
from tests.unit.agent.machine_tree import Machine, build

ALL = FEATURE_SCHEMA_V1.events
IIO = frozenset(name for name in ALL if EVENTS[name].pmu is Pmu.IIO)
UNCORE = frozenset(name for name in ALL if EVENTS[name].pmu in {Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO})


def source(
    root: Path, fake: FakeKernel, machine: Machine, *, policy: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER
) -> UncoreSource:
    roots = build(root, machine)
    settings = AgentSettings(node="n1", roots=roots, isolated_cpus=policy)
    return UncoreSource(topology=read_topology(roots), settings=settings, kernel=fake.kernel)


def test_every_box_is_counted_from_its_packages_cpu(tmp_path: Path) -> None:
    fake = FakeKernel()
    uncore = source(tmp_path, fake, Machine())
    opened = uncore.open(ALL)
    assert (opened.events, opened.missing) == (UNCORE, ())
    assert {counter.cpu for counter in fake.open_counters.values()} == {0, 2}
    (upi,) = [block for block in uncore.read().blocks if block.pmu is Pmu.UPI]
    assert upi.instances == ("uncore_upi_0@socket0", "uncore_upi_0@socket1")
    assert upi.domains == ("socket0", "socket1")
    uncore.close()
    assert fake.open_counters == {}


def test_boxes_of_a_socket_with_clusters_serve_each_cluster_and_are_read_once(tmp_path: Path) -> None:
    fake = FakeKernel(rate=lambda counter: 1.0)
    uncore = source(tmp_path, fake, Machine(clusters=2, boxes={"imc": 1, "iio": 1}))
    opened = uncore.open(ALL)
    assert {entry.event for entry in opened.missing if entry.errno == "EOPNOTSUPP"} == IIO
    fake.advance(10)
    blocks = uncore.read().blocks
    assert blocks[0].instances == tuple(
        f"uncore_imc_0@socket{socket}-snc{cluster}" for socket in (0, 1) for cluster in (0, 1)
    )
    assert (blocks[0].counts == 10).all()
    assert fake.reads == 2 * len(blocks)


def test_boxes_are_read_from_their_own_package_where_no_isolated_cpu_is_disturbed(tmp_path: Path) -> None:
    fake = FakeKernel()
    uncore = source(tmp_path, fake, Machine(isolated="1", boxes={"cha": 2}))
    uncore.open(ALL)
    fake.advance(1000)
    uncore.read()
    stood = {(fake.open_counters[fd].cpu, place) for fd, place in fake.read_from}
    assert stood == {(0, frozenset({0, 4, 5})), (2, frozenset({2, 3, 6, 7}))}
    assert uncore.figures.interruptions == 0
    assert fake.standing == HOME


def test_a_socket_of_isolated_cpus_is_left_alone_under_never_and_read_and_counted_otherwise(tmp_path: Path) -> None:
    machine = Machine(isolated="2,3,6,7", boxes={"cha": 2})
    for policy, domains, interruptions in (
        (IsolatedCpuPolicy.NEVER, {"socket0"}, 0),
        (IsolatedCpuPolicy.SAMPLED, {"socket0", "socket1"}, 2 * 4),
    ):
        fake = FakeKernel()
        uncore = source(tmp_path / policy.value, fake, machine, policy=policy)
        opened = uncore.open(ALL)
        assert {name for name in opened.events if EVENTS[name].pmu is Pmu.CHA}
        assert {domain for block in uncore.read().blocks for domain in block.domains} == domains
        assert uncore.figures.interruptions == interruptions


def test_a_node_of_isolated_cpus_says_why_no_box_is_read(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(isolated="0-7", boxes={"cha": 2})).open(ALL)
    reasons = {entry.reason for entry in opened.missing if EVENTS[entry.event].pmu is Pmu.CHA}
    assert opened.events == frozenset()
    assert reasons == {LEFT_ALONE}


def test_a_virtual_machine_without_uncore_says_what_is_absent(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(boxes={})).open(ALL)
    assert opened.events == frozenset()
    assert {entry.event for entry in opened.missing} == UNCORE
    assert {entry.errno for entry in opened.missing} == {"ENOENT"}
    assert len({entry.reason for entry in opened.missing}) == 4


def test_an_old_kernel_keeps_what_its_umasks_can_say(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(old_kernel=True)).open(ALL)
    assert "UNC_M_CAS_COUNT.ALL" in opened.events
    assert "UNC_CHA_LLC_VICTIMS.TOTAL_M" in opened.events
    missing = {entry.event: entry for entry in opened.missing}
    assert missing["UNC_CHA_TOR_INSERTS.IA"].errno == "EINVAL"
    assert "newer kernel" in missing["UNC_CHA_TOR_INSERTS.IA"].reason


def test_a_refusing_imc_box_is_left_out_but_a_refusing_iio_box_takes_its_socket_along(tmp_path: Path) -> None:
    machine = Machine(boxes={"imc": 2, "iio": 2})
    broken = {11, 13}  # the second box of either kind
    fake = FakeKernel(refuse=lambda counter: errno.EBUSY if counter.type in broken and counter.cpu == 0 else 0)
    uncore = source(tmp_path, fake, machine)
    uncore.open(ALL)
    rows = {block.pmu: block.instances for block in uncore.read().blocks}
    assert rows[Pmu.IMC] == ("uncore_imc_0@socket0", "uncore_imc_0@socket1", "uncore_imc_1@socket1")
    assert rows[Pmu.IIO] == ("uncore_iio_0@socket1", "uncore_iio_1@socket1")
    uncore.close()
    assert fake.open_counters == {}


def test_boxes_of_another_cpu_stay_closed(tmp_path: Path) -> None:
    fake = FakeKernel()
    opened = source(tmp_path, fake, Machine(model=106)).open(ALL)
    assert {entry.event for entry in opened.missing} == UNCORE
    assert {entry.errno for entry in opened.missing} == {"EOPNOTSUPP"}
    assert fake.open_counters == {}


def test_a_group_that_the_kernel_cannot_hold_is_opened_one_event_at_a_time(tmp_path: Path) -> None:
    """Kernels before the fix of their CHA constraints refuse groups that the vendor allows."""
    fake = FakeKernel(refuse=lambda counter: errno.EINVAL if counter.leader != counter.fd else 0)
    uncore = source(tmp_path, fake, Machine())
    opened = uncore.open(ALL)
    assert (opened.events, opened.missing) == (UNCORE, ())
    assert {len(block.events) for block in uncore.read().blocks} == {1}
    uncore.close()
    assert fake.open_counters == {}


def test_other_refusals_split_no_group(tmp_path: Path) -> None:
    tries: list[OpenCounter] = []

    def refuse(counter: OpenCounter) -> int:
        tries.append(counter)
        return errno.EACCES

    opened = source(tmp_path, FakeKernel(refuse=refuse), Machine(boxes={"upi": 1})).open(ALL)
    assert {entry.errno for entry in opened.missing if entry.event.startswith("UNC_UPI")} == {"EACCES"}
    assert len(tries) == 1 + 2, "once to see whether the group fits, then on each socket"


def test_boxes_of_offline_cpus_say_so(tmp_path: Path) -> None:
    machine = Machine(boxes={"upi": 1}, offline=frozenset({0, 2}), cpumask="0,2")
    opened = source(tmp_path, FakeKernel(), machine).open(ALL)
    reasons = {entry.reason for entry in opened.missing if entry.event.startswith("UNC_UPI")}
    assert len(reasons) == 1
    assert "online" in reasons.pop()


def test_a_hidden_box_is_told_and_no_crash(tmp_path: Path) -> None:
    uncore = source(tmp_path, FakeKernel(), Machine(boxes={"imc": 1, "upi": 1}))
    path = tmp_path / "sys/bus/event_source/devices/uncore_upi_0/type"
    path.unlink()
    path.mkdir()
    opened = uncore.open(ALL)
    assert {entry.event for entry in opened.missing if entry.errno == "EISDIR"} == {
        name for name in UNCORE if name.startswith("UNC_UPI")
    }
    assert "UNC_M_CAS_COUNT.ALL" in opened.events


def test_a_hidden_box_among_others_is_left_out_and_logged(tmp_path: Path) -> None:
    uncore = source(tmp_path, FakeKernel(), Machine(boxes={"imc": 3, "iio": 3}))
    for name in ("uncore_imc_1", "uncore_iio_1"):
        (tmp_path / f"sys/bus/event_source/devices/{name}/type").write_text("garbage")
    with logged_events() as events:
        opened = uncore.open(ALL)
    assert [(event.name, event.fields["boxes"]) for event in events] == [
        ("uncore-boxes-left-out", ["uncore_imc_1"]),
        ("uncore-boxes-left-out", ["uncore_iio_1"]),
    ]
    assert {row for block in uncore.read().blocks for row in block.instances} == {
        f"uncore_imc_{number}@socket{socket}" for number in (0, 2) for socket in (0, 1)
    }
    assert {entry.event for entry in opened.missing if "holds no number" in entry.reason} == IIO


def test_a_box_of_other_formats_is_left_out_of_what_it_can_not_say(tmp_path: Path) -> None:
    uncore = source(tmp_path, FakeKernel(), Machine(boxes={"cha": 2, "iio": 2}))
    for name, field in (("uncore_cha_0", "umask"), ("uncore_iio_0", "ch_mask")):
        (tmp_path / f"sys/bus/event_source/devices/{name}/format/{field}").write_text("config:8-9")
    opened = uncore.open(ALL)
    assert IIO.isdisjoint(opened.events)
    assert frozenset(name for name in UNCORE if name.startswith("UNC_CHA")) <= opened.events
    rows = {name: block.instances for block in uncore.read().blocks for name in block.events}
    assert rows["UNC_CHA_TOR_INSERTS.IA"] == ("uncore_cha_1@socket0", "uncore_cha_1@socket1")
    uncore.close()


def test_of_several_cpus_that_a_mask_names_in_a_socket_one_counts(tmp_path: Path) -> None:
    fake = FakeKernel()
    uncore = source(tmp_path, fake, Machine(boxes={"iio": 1}, cpumask="0-3,99"))
    uncore.open(ALL)
    assert [block.instances for block in uncore.read().blocks] == [("uncore_iio_0@socket0", "uncore_iio_0@socket1")]
    assert {counter.cpu for counter in fake.open_counters.values()} == {0, 2}


def test_an_event_that_the_vendors_file_lacks_is_missing_with_advice(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine()).open(ALL | {"UNC_CHA_CLOCKTICKS"})
    assert opened.events == UNCORE
    (entry,) = opened.missing
    assert (entry.event, entry.errno) == ("UNC_CHA_CLOCKTICKS", "EINVAL")
    assert "trim_perfmon" in entry.reason


def test_boxes_are_read_from_their_package_and_never_from_an_isolated_cpu(tmp_path: Path) -> None:
    fake = FakeKernel()
    uncore = source(tmp_path, fake, Machine(boxes={"imc": 1}, isolated="0-1,2"))
    uncore.open(ALL)
    uncore.read()
    on = {fake.open_counters[fd].cpu: place for fd, place in fake.read_from}
    assert on == {0: frozenset({4, 5}), 2: frozenset({3, 6, 7})}
    assert fake.standing == HOME


def test_counters_are_not_read_where_no_window_ends(tmp_path: Path) -> None:
    fake = FakeKernel()
    uncore = source(tmp_path, fake, Machine())
    uncore.open(ALL)
    assert uncore.read(ends_window=False).blocks == ()
    assert fake.reads == 0


def test_the_dram_clock_that_is_kept_is_counted_on_every_box(tmp_path: Path) -> None:
    """Here the kernel's own alias is the faster of the two."""
    fake = FakeKernel(rate=lambda counter: 2.4 if counter.config == 0x01 else 1.2)
    fake.ns_a_read = 10_000
    uncore = source(tmp_path, fake, Machine(boxes={"imc": 2}, kernel_names=True))
    uncore.open(ALL)
    configs = [counter.config for counter in fake.open_counters.values()]
    assert (configs.count(0x01), configs.count(0x101)) == (4, 0)


def test_hbm_alone_says_what_stands_in(tmp_path: Path) -> None:
    opened = source(tmp_path, FakeKernel(), Machine(boxes={"hbm": 2})).open(ALL)
    assert {entry.errno for entry in opened.missing if "resctrl" in entry.reason} == {"ENOENT"}
    assert {entry.event for entry in opened.missing if "resctrl" in entry.reason} == {
        name for name in UNCORE if name.startswith("UNC_M_")
    }
