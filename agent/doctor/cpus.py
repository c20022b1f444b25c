"""CPUs and caches: which are there, which are to be left alone, how they are split."""

from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.kernel_files import cpus_in
from agent.doctor.node import Node
from agent.doctor.sapphire_rapids import READ_INTERRUPTS_US
from contracts.nodestate import IsolatedCpuPolicy

_COST = f"each read of a group takes {READ_INTERRUPTS_US} us from the CPU that counts"
_MEANING = {
    IsolatedCpuPolicy.NEVER: ": core events say nothing of what runs there, uncore and resctrl do",
    IsolatedCpuPolicy.SAMPLED: ": one group of core events a window",
    IsolatedCpuPolicy.FULL: ": groups take turns there, which interrupts each of them twice a sample",
}
_POLICY_ADVICE = {
    IsolatedCpuPolicy.NEVER: f"set spec.isolatedCpus to sampled, if they can bear it: one group a window; {_COST}",
    IsolatedCpuPolicy.SAMPLED: f"set spec.isolatedCpus to full, if they can bear it: {_COST}",
    IsolatedCpuPolicy.FULL: f"for poll-mode cores, set spec.isolatedCpus to sampled or never: {_COST}",
}
_KEEP_ONE = "or leave each domain a CPU that is not isolated: isolcpus=, kubelet's reservedSystemCPUs"


def topology(node: Node) -> Check:
    """Whether the kernel's trees agree on sockets, clusters and caches."""
    doubts = node.topology.doubts
    if doubts:
        more = f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else ""
        return Check(
            topic=Topic.TOPOLOGY,
            verdict=Verdict.LIMITED,
            found=f"{doubts[0]}{more}",
            advice=("mount the host's /sys and /proc whole; in a virtual machine, give it the host's topology",),
        )
    names = ", ".join(domain.name for domain in node.topology.domains)
    return Check(topic=Topic.TOPOLOGY, verdict=Verdict.OK, found=f"contention domains: {names}")


def online_cpus(node: Node) -> Check:
    """Whether CPUs are missing that counters are read from."""
    root = node.settings.roots.sys / "devices/system/cpu"
    online = sum(len(domain.cpus) for domain in node.topology.domains)
    offline = len(cpus_in(root / "offline"))
    threads = "two threads a core" if node.topology.smt else "one thread a core"
    found = f"{online} CPUs online, {offline} offline, {threads}"
    if node.lost_to(Topic.ONLINE_CPUS):
        return Check(
            topic=Topic.ONLINE_CPUS,
            verdict=Verdict.MISSING,
            found=f"{found}; refused: {node.refusals(Topic.ONLINE_CPUS)}",
            advice=(
                "bring the first CPU of each package back, from which its boxes are read: chcpu -e CPU",
                *node.reasons(Topic.ONLINE_CPUS),
            ),
        )
    return Check(topic=Topic.ONLINE_CPUS, verdict=Verdict.OK, found=found)


def isolated_cpus(node: Node) -> Check:
    """What the policy for isolated CPUs shows of them, and what it costs them."""
    policy, isolated = node.settings.isolated_cpus, len(node.isolated)
    if not isolated:
        return Check(topic=Topic.ISOLATED_CPUS, verdict=Verdict.OK, found="no CPU is isolated")
    blind = [domain.name for domain in node.topology.domains if node.isolated.issuperset(domain.cpus)]
    found = f"{isolated} isolated CPUs, policy {policy}{_MEANING[policy]}"
    if blind and policy is not IsolatedCpuPolicy.FULL:
        found = f"{found}; {', '.join(blind)} have no others"
    if policy is IsolatedCpuPolicy.SAMPLED and not node.lost_to(Topic.ISOLATED_CPUS):
        return Check(topic=Topic.ISOLATED_CPUS, verdict=Verdict.OK, found=f"{found}; {_COST}")
    return Check(
        topic=Topic.ISOLATED_CPUS,
        verdict=Verdict.MISSING if node.lost_to(Topic.ISOLATED_CPUS) else Verdict.LIMITED,
        found=found,
        advice=(_POLICY_ADVICE[policy], *((_KEEP_ONE,) if blind else ())),
    )


def clusters(node: Node) -> Check:
    """Whether sub-NUMA clusters hide what serves a whole socket."""
    if not node.has_clusters:
        return Check(topic=Topic.CLUSTERS, verdict=Verdict.OK, found="off: a socket is one contention domain")
    return Check(
        topic=Topic.CLUSTERS,
        verdict=Verdict.LIMITED,
        found=f"on, {len(node.topology.domains)} domains on {node.sockets} sockets: IIO boxes can't be split, "
        "uncore ratios are the socket's",
        advice=(
            "leave it on where the workloads profit from it; else look in the BIOS for SNC (Sub-NUMA Clustering) "
            "and disable it",
        ),
    )


def cache(node: Node) -> Check:
    """Whether the size of the last-level cache is known, against which occupancy is set."""
    sizes = [domain.ceilings.get("NODE.LLC_BYTES") for domain in node.topology.domains]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) or node.lost_to(Topic.CACHE):
        return Check(
            topic=Topic.CACHE,
            verdict=Verdict.MISSING,
            found=f"sysfs gives no size of a last-level cache for {len(sizes) - len(known)} of {len(sizes)} domains",
            advice=(
                "in a virtual machine, pass the host's caches on: QEMU -cpu host,host-cache-info=on, "
                "libvirt <cache mode='passthrough'/>",
                "in a container, mount the host's /sys whole and say where by --sys",
            ),
        )
    return Check(topic=Topic.CACHE, verdict=Verdict.OK, found=f"{known[0] / 2**20:.4g} MiB a domain")
