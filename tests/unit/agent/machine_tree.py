"""Small /proc and /sys trees of fabricated machines, laid out as the kernel lays them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.settings import Roots

CORE_FORMATS = {
    "event": "config:0-7",
    "umask": "config:8-15",
    "edge": "config:18",
    "inv": "config:23",
    "cmask": "config:24-31",
}
UNCORE_FORMATS = {
    "event": "config:0-7",
    "umask": "config:8-15,32-55",
    "edge": "config:18",
    "inv": "config:23",
    "thresh": "config:24-31",
}
IIO_FORMATS = UNCORE_FORMATS | {"umask": "config:8-15", "ch_mask": "config:36-47", "fc_mask": "config:48-50"}
OLD_FORMATS = UNCORE_FORMATS | {"umask": "config:8-15"}
CORE_NAMES = {
    "instructions": "event=0xc0",
    "cpu-cycles": "event=0x3c",
    "ref-cycles": "event=0x00,umask=0x03",
    "cache-references": "event=0x2e,umask=0x4f",
    "cache-misses": "event=0x2e,umask=0x41",
    "branch-misses": "event=0xc5",
}
TOP_DOWN_NAMES = {
    "slots": "event=0x00,umask=0x4",
    "topdown-retiring": "event=0x00,umask=0x80",
    "topdown-bad-spec": "event=0x00,umask=0x81",
    "topdown-fe-bound": "event=0x00,umask=0x82",
    "topdown-be-bound": "event=0x00,umask=0x83",
    "topdown-heavy-ops": "event=0x00,umask=0x84",
    "topdown-br-mispredict": "event=0x00,umask=0x85",
    "topdown-fetch-lat": "event=0x00,umask=0x86",
    "topdown-mem-bound": "event=0x00,umask=0x87",
}
IMC_NAMES = {
    "cas_count_read": "event=0x05,umask=0xcf",
    "cas_count_read.scale": "6.103515625e-5",
    "cas_count_read.unit": "MiB",
    "cas_count_write": "event=0x05,umask=0xf0",
    "clockticks": "event=0x01,umask=0x00",
}
FIRST_BOX_TYPE = 10
_TYPE_NUMBERS = {"cha": 0, "iio": 1, "pcu": 4, "imc": 6, "m2m": 7, "upi": 8, "cxlcm": 12, "cxldp": 13, "hbm": 14}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What to build. CPUs are numbered as Linux does: first threads of all cores, then second threads.

    ``boxes`` has for each kind how many there are, or their numbers; kinds in ``unnumbered`` have one box without a
    number, kinds in ``unnamed`` go by their type's number, as all do under ``old_kernel``. ``kernel_names`` says
    whether the kernel names events (``events/``), ``core_names`` and ``imc_names`` which; ``core_formats`` and
    ``cha_formats`` where fields lie. ``partitions`` are CPUs of isolated cpuset partitions, absent where ``None``.
    ``memory_only_nodes`` are NUMA nodes without CPUs. ``pmu_name`` is the kernel's word for its tables of the core PMU.
    ``cpumask`` of the boxes is each socket's first online CPU, as the kernel keeps it, where nothing else is said.
    """

    sockets: int = 2
    cores: int = 2
    threads: int = 2
    clusters: int = 1
    vendor: str = "GenuineIntel"
    family: int = 6
    model: int = 143
    model_name: str = "Intel(R) Xeon(R) Platinum 8480+"
    offline: frozenset[int] = frozenset()
    isolated: str = ""
    nohz_full: str = "(null)"
    partitions: str | None = None
    event_source: bool = True
    core_pmu: bool = True
    core_pmu_name: str = "cpu"
    core_formats: Mapping[str, str] = field(default_factory=lambda: CORE_FORMATS)
    cha_formats: Mapping[str, str] = field(default_factory=lambda: UNCORE_FORMATS)
    pmu_name: str | None = None
    kernel_names: bool = False
    core_names: Mapping[str, str] = field(default_factory=lambda: CORE_NAMES | TOP_DOWN_NAMES)
    imc_names: Mapping[str, str] = field(default_factory=lambda: IMC_NAMES)
    boxes: Mapping[str, int | Sequence[int]] = field(default_factory=lambda: {"cha": 2, "imc": 2, "upi": 1, "iio": 2})
    unnumbered: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()
    cpumask: str | None = None
    old_kernel: bool = False
    memory_only_nodes: int = 0
    nmi_watchdog: bool = False
    paranoid: int = 2

    @property
    def cpus(self) -> range:
        return range(self.sockets * self.cores * self.threads)

    @property
    def online(self) -> list[int]:
        return [cpu for cpu in self.cpus if cpu not in self.offline]

    def socket_of(self, cpu: int) -> int:
        return cpu % (self.sockets * self.cores) // self.cores

    def core_of(self, cpu: int) -> int:
        return cpu % (self.sockets * self.cores) % self.cores

    def cluster_of(self, cpu: int) -> int:
        return self.core_of(cpu) * self.clusters // self.cores


def build(root: Path, machine: Machine) -> Roots:
    """Write the trees below ``root``."""
    roots = Roots.under(root)
    _write(roots.proc / "cpuinfo", _cpuinfo(machine))
    _write(roots.proc / "sys/kernel/nmi_watchdog", str(int(machine.nmi_watchdog)))
    _write(roots.proc / "sys/kernel/perf_event_paranoid", str(machine.paranoid))
    cpu_root = roots.sys / "devices/system/cpu"
    _write(cpu_root / "online", _list(machine.online))
    _write(cpu_root / "isolated", machine.isolated)
    _write(cpu_root / "nohz_full", machine.nohz_full)
    for cpu in machine.online:
        _cpu(cpu_root / f"cpu{cpu}", machine, cpu)
    if machine.partitions is not None:
        _write(roots.sys / "fs/cgroup/cpuset.cpus.isolated", machine.partitions)
    _numa(roots.sys / "devices/system/node", machine)
    if machine.event_source:
        _pmus(roots.sys / "bus/event_source/devices", machine)
    return roots


def add_resctrl(
    roots: Roots,
    group: str,
    *,
    domain: str = "mon_L3_00",
    occupancy: object = 0,
    total: object = 0,
    local: object = 0,
) -> None:
    """Write one group's monitoring files; ``group`` is a path below the resctrl root, empty for the root group."""
    place = roots.resctrl / group / "mon_data" / domain
    for name, value in (("llc_occupancy", occupancy), ("mbm_total_bytes", total), ("mbm_local_bytes", local)):
        _write(place / name, str(value))


def _cpu(path: Path, machine: Machine, cpu: int) -> None:
    socket, core = machine.socket_of(cpu), machine.core_of(cpu)
    same_socket = [other for other in machine.online if machine.socket_of(other) == socket]
    siblings = [other for other in same_socket if machine.core_of(other) == core]
    _write(path / "topology/physical_package_id", str(socket))
    _write(path / "topology/core_id", str(core))
    _write(path / "topology/core_cpus_list", _list(siblings))
    for index, (level, size) in enumerate((("1", "48K"), ("1", "32K"), ("2", "2048K"), ("3", "107520K"))):
        cache = path / f"cache/index{index}"
        _write(cache / "level", level)
        _write(cache / "size", size)
        _write(cache / "id", str(socket if level == "3" else cpu))
        _write(cache / "shared_cpu_list", _list(same_socket if level == "3" else siblings))


def _numa(root: Path, machine: Machine) -> None:
    number = 0
    for socket in range(machine.sockets):
        for cluster in range(machine.clusters):
            own = [
                cpu for cpu in machine.online if (machine.socket_of(cpu), machine.cluster_of(cpu)) == (socket, cluster)
            ]
            _write(root / f"node{number}/cpulist", _list(own))
            number += 1
    for extra in range(machine.memory_only_nodes):
        _write(root / f"node{number + extra}/cpulist", "")


def _pmus(root: Path, machine: Machine) -> None:
    if machine.core_pmu:
        core = root / machine.core_pmu_name
        names = machine.core_names if machine.kernel_names else {}
        _pmu(core, number=4, formats=machine.core_formats, names=names)
        if machine.pmu_name is not None:
            _write(core / "caps/pmu_name", machine.pmu_name)
    number = FIRST_BOX_TYPE
    for kind, boxes in machine.boxes.items():
        for box in range(boxes) if isinstance(boxes, int) else boxes:
            _pmu(
                root / _box_name(kind, box, machine),
                number=number,
                formats=_box_formats(kind, machine),
                names=machine.imc_names if machine.kernel_names and kind == "imc" else {},
                cpumask=_cpumask(machine),
            )
            number += 1


def _box_name(kind: str, box: int, machine: Machine) -> str:
    is_unnamed = machine.old_kernel or kind in machine.unnamed
    prefix = f"uncore_type_{_TYPE_NUMBERS[kind]}" if is_unnamed else f"uncore_{kind}"
    return prefix if kind in machine.unnumbered else f"{prefix}_{box}"


def _box_formats(kind: str, machine: Machine) -> Mapping[str, str]:
    if machine.old_kernel or kind in machine.unnamed:
        return OLD_FORMATS
    return IIO_FORMATS if kind == "iio" else machine.cha_formats if kind == "cha" else UNCORE_FORMATS


def _cpumask(machine: Machine) -> str:
    if machine.cpumask is not None:
        return machine.cpumask
    first: dict[int, int] = {}
    for cpu in machine.online:
        first.setdefault(machine.socket_of(cpu), cpu)
    return _list(list(first.values()))


def _pmu(
    path: Path, *, number: int, formats: Mapping[str, str], names: Mapping[str, str], cpumask: str | None = None
) -> None:
    _write(path / "type", str(number))
    for name, place in formats.items():
        _write(path / "format" / name, place)
    for name, terms in names.items():
        _write(path / "events" / name, terms)
    if cpumask is not None:
        _write(path / "cpumask", cpumask)


def _cpuinfo(machine: Machine) -> str:
    return "\n".join(
        f"processor\t: {cpu}\nvendor_id\t: {machine.vendor}\ncpu family\t: {machine.family}\n"
        f"model\t\t: {machine.model}\nmodel name\t: {machine.model_name}\nstepping\t: 8\n"
        f"physical id\t: {machine.socket_of(cpu)}\n"
        for cpu in machine.online
    )


def _list(cpus: Sequence[int]) -> str:
    return ",".join(str(cpu) for cpu in cpus)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n")
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_text(text + "\n")
