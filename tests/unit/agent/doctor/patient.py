"""A fabricated node for the doctor: trees of a machine, rights of a process, and a kernel that counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.doctor.check import Check, Topic
from agent.doctor.examine import examine
from agent.doctor.report import Report
from agent.settings import AgentSettings, Roots
from agent.sources.perf import PerfSource
from agent.sources.protocol import CounterSource
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology import Topology
from contracts.nodestate import EventGroup, IsolatedCpuPolicy
from tests.unit.agent.fabricated_node import rate
from tests.unit.agent.fake_kernel import FakeKernel, OpenCounter
from tests.unit.agent.machine_tree import Machine, add_resctrl, build

PERFMON = 1 << 38
SYS_ADMIN = 1 << 21
ALL_UIDS = "0 0 4294967295"
SOME_UIDS = "0 1000 65536"
FLAGS = "fpu msr ht arch_perfmon rdt_a cqm cqm_llc cqm_occup_llc cqm_mbm_total cqm_mbm_local"
WHOLE = Machine(boxes={"cha": 2, "imc": 2, "upi": 2, "iio": 2})
"""A node with few CPUs and few boxes."""
IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def refuse_nothing(counter: OpenCounter) -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A bare-metal node on which all is well, unless told otherwise.

    ``cache`` is the size of a socket's last-level cache, two slices at first; ``capabilities`` the effective set;
    ``resctrl`` whether it is mounted, ``offers_resctrl`` whether the kernel has it,
    ``monitors_clusters`` whether for each sub-NUMA cluster; files in ``mounted``
    (resctrl), ``proc`` and ``sys`` are written last, those of which the text is ``None`` taken away.
    """

    machine: Machine = WHOLE
    cache: str = "3840K"
    flags: str = FLAGS
    kernel: str = "6.8.0-45-generic"
    capabilities: int = PERFMON
    paranoid: int = 2
    seccomp: int = 2
    uid_map: str = ALL_UIDS
    resctrl: bool = True
    offers_resctrl: bool = True
    monitors_clusters: bool = True
    kubelet: bool = True
    mounted: Mapping[str, str | None] = field(default_factory=dict)
    proc: Mapping[str, str | None] = field(default_factory=dict)
    sys: Mapping[str, str | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    refuse: Callable[[OpenCounter], int] = refuse_nothing
    rate: Callable[[OpenCounter], float] = rate
    counters: int = 8
    running_share: float = 1.0
    isolated_cpus: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER
    event_groups: tuple[EventGroup, ...] = tuple(EventGroup)
    remote_reads_per_second: float = 1000.0
    clock_state: int = 0
    state: str = "state"
    spool_bytes: int = 64 << 20
    reach_servers: bool = False
    ingest_url: str | None = None
    model_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Examined:
    report: Report
    fake: FakeKernel
    roots: Roots

    def check(self, topic: Topic) -> Check:
        found = [check for check in self.report.checks if check.topic is topic]
        assert len(found) == 1
        return found[0]


def admit(root: Path, patient: Patient) -> Roots:
    """Write the patient's trees below ``root``."""
    roots = build(root, patient.machine)
    proc, sys = roots.proc, roots.sys
    identity = (proc / "cpuinfo").read_text()
    texts: dict[Path, str | None] = {
        proc / "cpuinfo": identity.replace("stepping\t", f"flags\t\t: {patient.flags}\nstepping\t", 1),
        proc / "sys/kernel/osrelease": patient.kernel,
        proc / "sys/kernel/perf_event_paranoid": str(patient.paranoid),
        proc / "self/status": f"Name:\tleeward\nCapEff:\t{patient.capabilities:016x}\nSeccomp:\t{patient.seccomp}",
        proc / "self/uid_map": f"         {patient.uid_map}",
        proc / "self/mounts": f"resctrl {roots.resctrl} resctrl rw,relatime 0 0",
        proc / "filesystems": "nodev\tsysfs\n" + ("nodev\tresctrl\n" if patient.offers_resctrl else ""),
        proc / "cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1",
        **{sys / f"devices/system/cpu/cpu{cpu}/cache/index3/size": patient.cache for cpu in patient.machine.online},
        sys / "class/dmi/id/sys_vendor": "Example",
        sys / "class/dmi/id/product_name": "Server 2",
        sys / "class/dmi/id/bios_version": "1.2.3",
        sys / "fs/cgroup/cgroup.controllers": "cpuset cpu memory",
        sys / "fs/cgroup/kubepods.slice/cpuset.cpus": "" if patient.kubelet else None,
    }
    if patient.resctrl:
        _mount_resctrl(roots, patient)
    texts |= {roots.resctrl / name: text for name, text in patient.mounted.items()}
    texts |= {proc / name: text for name, text in patient.proc.items()}
    texts |= {sys / name: text for name, text in patient.sys.items()}
    for path, text in texts.items():
        _put(path, text)
    return roots


def examined(root: Path, patient: Patient | None = None) -> Examined:
    """Build the patient and examine it; no time passes but the fabricated kernel's."""
    patient = patient or Patient()
    roots = admit(root, patient)
    fake = FakeKernel(
        rate=patient.rate, refuse=patient.refuse, counters=patient.counters, running_share=patient.running_share
    )
    report = examine(
        AgentSettings(
            node="node-1",
            roots=roots,
            state_directory=root / patient.state,
            spool_bytes=patient.spool_bytes,
            isolated_cpus=patient.isolated_cpus,
            event_groups=patient.event_groups,
            remote_reads_per_second=patient.remote_reads_per_second,
            ingest_url=patient.ingest_url,
            model_url=patient.model_url,
        ),
        environment=patient.environment,
        account=root / "account",
        sources=sources_on(fake),
        kernel=fake.kernel,
        work=lambda seconds: fake.advance(int(seconds * 1e9)),
        clock_state=lambda: patient.clock_state,
        reach_servers=patient.reach_servers,
    )
    return Examined(report=report, fake=fake, roots=roots)


def sources_on(fake: FakeKernel) -> Callable[[Topology, AgentSettings], tuple[CounterSource, ...]]:
    """The real sources, on a fabricated kernel."""

    def sources(topology: Topology, settings: AgentSettings) -> tuple[CounterSource, ...]:
        served: dict[EventGroup, CounterSource] = {
            EventGroup.CORE: PerfSource(
                topology=topology, settings=settings, kernel=fake.kernel, monotonic_ns=lambda: fake.now_ns
            ),
            EventGroup.UNCORE: UncoreSource(topology=topology, settings=settings, kernel=fake.kernel),
            EventGroup.RESCTRL: ResctrlSource(topology=topology, settings=settings),
        }
        return tuple(served[group] for group in settings.event_groups)

    return sources


def _mount_resctrl(roots: Roots, patient: Patient) -> None:
    machine = patient.machine
    _put(roots.resctrl / "info/L3_MON/num_rmids", "448")
    _put(roots.resctrl / "info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes")
    for socket in range(machine.sockets):
        for cluster in range(machine.clusters if machine.clusters > 1 and patient.monitors_clusters else 0):
            node = socket * machine.clusters + cluster
            add_resctrl(roots, "", domain=f"mon_L3_{socket:02d}/mon_sub_L3_{node:02d}", occupancy=1 << 20)
        add_resctrl(roots, "", domain=f"mon_L3_{socket:02d}", occupancy=1 << 20)


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
