"""resctrl: what the CPU monitors, what the kernel offers of it, whether it is mounted."""

from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.kernel_files import is_directory, names_in, number_of, text_of
from agent.doctor.node import BARE_METAL, HOSTS_PROC, Node
from agent.doctor.sapphire_rapids import CLUSTER_MONITORING

MONITORING_FLAGS = ("cqm_occup_llc", "cqm_mbm_total", "cqm_mbm_local")
"""CPU flags of occupancy, total and local bandwidth (Linux, ``Documentation/filesystems/resctrl.rst``)."""

_FILES = ("llc_occupancy", "mbm_total_bytes", "mbm_local_bytes")
_MOUNT = "mount -t resctrl resctrl /sys/fs/resctrl"
_FSTAB = "to keep it, in /etc/fstab: resctrl /sys/fs/resctrl resctrl defaults 0 0"


def resctrl(node: Node) -> Check:
    """Whether LLC occupancy and memory bandwidth can be read."""
    root = node.settings.roots.resctrl
    if is_directory(root / "mon_data"):
        return _mounted(node)
    lacking = [flag for flag in MONITORING_FLAGS if flag not in node.machine.flags]
    if len(lacking) == len(MONITORING_FLAGS):
        return _without_hardware(node)
    if "resctrl" not in (text_of(node.settings.roots.proc / "filesystems") or "").split():
        return Check(
            topic=Topic.RESCTRL,
            verdict=Verdict.MISSING,
            found="the CPU monitors cache and bandwidth, this kernel offers no resctrl",
            advice=(*_switched_off(node), "use a kernel with CONFIG_X86_CPU_RESCTRL"),
        )
    again = ("then restart the agent's pod, since a mount made later does not reach it",) if node.process.in_pod else ()
    return Check(
        topic=Topic.RESCTRL,
        verdict=Verdict.MISSING,
        found=f"not mounted at {root}; CPU and kernel offer it",
        advice=(f"mount resctrl on the node: {_MOUNT}", *again, _FSTAB),
    )


def _without_hardware(node: Node) -> Check:
    if node.machine.is_virtual:
        advice: tuple[str, ...] = (BARE_METAL,)
    elif not node.machine.flags:
        advice = (HOSTS_PROC,)
    else:
        advice = (
            *_switched_off(node),
            "look in the BIOS for Intel RDT (Resource Director Technology), CMT and MBM, and enable them where it "
            "offers that",
        )
    return Check(
        topic=Topic.RESCTRL,
        verdict=Verdict.MISSING,
        found=f"the CPU shows no monitoring ({', '.join(MONITORING_FLAGS)} are not among its flags)",
        advice=advice,
    )


def _switched_off(node: Node) -> tuple[str, ...]:
    """Kernel parameters that take monitoring away (``Documentation/admin-guide/kernel-parameters.txt``)."""
    return tuple(
        f"take {word} from the kernel's command line"
        for word in node.machine.command_line
        if word.startswith(("rdt=", "clearcpuid="))
    )


def _mounted(node: Node) -> Check:
    roots = node.settings.roots
    monitoring = roots.resctrl / "info/L3_MON"
    identifiers = number_of(monitoring / "num_rmids")
    found = "mounted read-only" if _is_read_only(node) else "mounted"
    if identifiers is not None:
        found = f"{found}, {identifiers} monitoring identifiers (RMIDs)"
    lost = node.lost_to(Topic.RESCTRL)
    if not lost:
        return Check(topic=Topic.RESCTRL, verdict=Verdict.OK, found=found)
    offered = (text_of(monitoring / "mon_features") or "").split()
    lacking = [name for name in _FILES if name not in offered]
    if lacking:
        found = f"{found}, without {', '.join(lacking)}"
        advice: tuple[str, ...] = (*_switched_off(node), *node.reasons(Topic.RESCTRL))
    elif node.has_clusters and not _has_cluster_files(node):
        found = f"{found}, but not for each sub-NUMA cluster"
        version = ".".join(str(number) for number in CLUSTER_MONITORING)
        advice = (
            f"use Linux {version} or later, or a distribution's kernel that monitors sub-NUMA clusters",
            "or look in the BIOS for SNC (Sub-NUMA Clustering) and disable it",
        )
    else:
        found = f"{found}; some values of some groups are words (Error, Unavailable, Unassigned)"
        advice = (
            "look again: groups come and go, and identifiers of removed ones are in limbo for a while",
            f"find them: grep -rE 'Error|Una' {roots.resctrl}/mon_data {roots.resctrl}/*/mon_data",
            *node.reasons(Topic.RESCTRL),
        )
    return Check(
        topic=Topic.RESCTRL,
        verdict=Verdict.LIMITED,
        found=found,
        advice=advice or ("see what it lists: cat /sys/fs/resctrl/info/L3_MON/mon_features",),
    )


def _is_read_only(node: Node) -> bool:
    mounts = (line.split() for line in (text_of(node.settings.roots.proc / "self/mounts") or "").splitlines())
    target = str(node.settings.roots.resctrl)
    return any(len(words) > 3 and words[1] == target and "ro" in words[3].split(",") for words in mounts)


def _has_cluster_files(node: Node) -> bool:
    root = node.settings.roots.resctrl / "mon_data"
    return any(name.startswith("mon_sub_") for place in names_in(root) for name in names_in(root / place))
