"""Small /proc and /sys trees of fabricated machines, laid out as the kernel lays them out."""

from collections.abc import Sequence
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
_TYPE_NUMBERS = {"cha": 0, "iio": 1, "imc": 6, "upi": 8}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What to build. CPUs are numbered as Linux does: first threads of all cores, then second threads."""

    sockets: int = 2
    cores: int = 2
    threads: int = 2
    clusters: int = 1
    model: int = 143
    model_name: str = "Intel(R) Xeon(R) Platinum 8480+"
    offline: frozenset[int] = frozenset()
    isolated: str = ""
    nohz_full: str = "(null)"
    core_pmu: bool = True
    boxes: dict[str, int] = field(default_factory=lambda: {"cha": 2, "imc": 2, "upi": 1, "iio": 2})
    old_kernel: bool = False
    memory_only_nodes: int = 0
    nmi_watchdog: bool = False

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
    cpu_root = roots.sys / "devices/system/cpu"
    _write(cpu_root / "online", _list(machine.online))
    _write(cpu_root / "isolated", machine.isolated)
    _write(cpu_root / "nohz_full", machine.nohz_full)
    for cpu in machine.online:
        _cpu(cpu_root / f"cpu{cpu}", machine, cpu)
    _numa(roots.sys / "devices/system/node", machine)
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
        _pmu(root / "cpu", number=4, formats=CORE_FORMATS)
    number = 10
    cpumask = _list([socket * machine.cores for socket in range(machine.sockets)])
    for kind, boxes in machine.boxes.items():
        prefix = f"uncore_type_{_TYPE_NUMBERS[kind]}" if machine.old_kernel else f"uncore_{kind}"
        formats = OLD_FORMATS if machine.old_kernel else IIO_FORMATS if kind == "iio" else UNCORE_FORMATS
        for box in range(boxes):
            _pmu(root / f"{prefix}_{box}", number=number, formats=formats, cpumask=cpumask)
            number += 1


def _pmu(path: Path, *, number: int, formats: dict[str, str], cpumask: str | None = None) -> None:
    _write(path / "type", str(number))
    for name, place in formats.items():
        _write(path / "format" / name, place)
    if cpumask is not None:
        _write(path / "cpumask", cpumask)


def _cpuinfo(machine: Machine) -> str:
    return "\n".join(
        f"processor\t: {cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: {machine.model}\n"
        f"model name\t: {machine.model_name}\nstepping\t: 8\nphysical id\t: {machine.socket_of(cpu)}\n"
        for cpu in machine.online
    )


def _list(cpus: Sequence[int]) -> str:
    return ",".join(str(cpu) for cpu in cpus)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
