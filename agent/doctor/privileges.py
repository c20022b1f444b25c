"""What the agent is allowed to do: count whole CPUs, call the kernel, hold enough descriptors."""

from agent.descriptors import SPARE
from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.node import HOSTS_PROC, Node

_MANIFEST = 'in a pod: securityContext.capabilities.add: ["PERFMON"], and runAsUser: 0, else exec drops it'
_UNIT = "as a systemd unit: AmbientCapabilities=CAP_PERFMON"
_SYSCTL = "or for every user of the node: sysctl -w kernel.perf_event_paranoid=0"


def permission(node: Node) -> Check:
    """Whether paranoid level or capability let the agent count whole CPUs."""
    process = node.process
    level = "unknown" if process.paranoid is None else str(process.paranoid)
    if process.may_count or node.counts_hardware:
        return Check(
            topic=Topic.PERMISSION,
            verdict=Verdict.OK,
            found=f"perf_event_paranoid {level}, {process.capability or 'no capability needed'}",
        )
    if process.capabilities is None:
        return Check(
            topic=Topic.PERMISSION,
            verdict=Verdict.MISSING if node.lost_to(Topic.PERMISSION) else Verdict.UNKNOWN,
            found=f"perf_event_paranoid {level}, and {node.settings.roots.proc}/self/status tells no capabilities",
            advice=(HOSTS_PROC, _MANIFEST),
        )
    held = "its capabilities hold in its user namespace alone" if process.in_user_namespace else "no CAP_PERFMON"
    steps = ("start it outside of a user namespace",) if process.in_user_namespace else ()
    return Check(
        topic=Topic.PERMISSION,
        verdict=Verdict.MISSING,
        found=f"perf_event_paranoid {level}, {held}: whole CPUs and uncore can't be counted",
        advice=(*steps, *((_MANIFEST,) if process.in_pod else (_UNIT, _MANIFEST)), _SYSCTL),
    )


def system_calls(node: Node) -> Check:
    """Whether something refuses ``perf_event_open`` to who may count."""
    process = node.process
    if node.lost_to(Topic.SYSTEM_CALLS):
        advice = []
        if process.has_filter:
            advice.append(
                "let the seccomp profile pass perf_event_open: RuntimeDefault does for holders of CAP_PERFMON from "
                "containerd 1.7 and Docker 23.0 on, else seccompProfile.type: Localhost"
            )
        if process.selinux_enforces:
            advice.append(
                "look for denials: ausearch -m avc; allow perf_event { open cpu kernel read write } to its type"
            )
        return Check(
            topic=Topic.SYSTEM_CALLS,
            verdict=Verdict.MISSING,
            found=f"perf_event_open is refused although the agent may count: {node.refusals(Topic.SYSTEM_CALLS)}",
            advice=tuple(advice),
        )
    filters = "a seccomp filter" if process.has_filter else "no seccomp filter"
    selinux = "SELinux enforcing" if process.selinux_enforces else "SELinux not enforcing"
    return Check(topic=Topic.SYSTEM_CALLS, verdict=Verdict.OK, found=f"{filters}, {selinux}")


def open_files(node: Node) -> Check:
    """Whether the limit on descriptors holds all counters."""
    limit, taken = node.process.descriptor_limit, node.probe.descriptors
    found = f"{taken:,} counters open at one time, the process may have {limit:,} descriptors"
    is_short = bool(node.lost_to(Topic.OPEN_FILES))
    if is_short or taken + 2 * SPARE > limit:
        return Check(
            topic=Topic.OPEN_FILES,
            verdict=Verdict.MISSING if is_short else Verdict.LIMITED,
            found=found,
            advice=(
                "as a systemd unit: LimitNOFILE=65536; in a pod: raise it in the container runtime's own unit",
                "where the whole node is out of files: sysctl -w fs.file-max=2000000",
            ),
        )
    return Check(topic=Topic.OPEN_FILES, verdict=Verdict.OK, found=found)
