"""What the agent lives in: cgroups, state directory, clock, service account."""

import ctypes
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.kernel_files import is_directory
from agent.doctor.node import Node
from agent.errors import TopologyError
from agent.pod_cgroups import PodCgroups

_SPACE_BESIDE_SPOOL = 64 << 20
"""Two models, the one in use and the one that follows, and small files."""
_TIMEX_BYTES = 208
"""``struct timex`` of x86-64 (``adjtimex(2)``)."""
_UNSYNCHRONISED = 5
"""``TIME_ERROR`` of ``adjtimex(2)``."""


def clock_state() -> int:
    """What ``adjtimex`` says of the system's clock without setting it; -1 where it may not be asked."""
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))


def pods(node: Node) -> Check:
    """Whether kubelet's pods can be seen in the cgroup tree."""
    root = node.settings.roots.cgroup
    try:
        cgroups = PodCgroups(root)
        hierarchy, found = cgroups.hierarchy, cgroups.read()
    except (OSError, TopologyError) as error:
        return Check(
            topic=Topic.PODS,
            verdict=Verdict.UNKNOWN,
            found=f"the cgroup tree can't be read: {error}",
            advice=("let the agent see and read the node's cgroups",),
        )
    if hierarchy is None:
        return Check(
            topic=Topic.PODS,
            verdict=Verdict.UNKNOWN,
            found=f"no cgroup tree with cpusets at {root}: no pod and no exclusive CPU is seen",
            advice=("mount the node's /sys/fs/cgroup read-only and say where by --cgroup",),
        )
    if found is None and node.process.in_pod:
        return Check(
            topic=Topic.PODS,
            verdict=Verdict.MISSING,
            found=f"cgroup version {hierarchy.version}, no kubepods below {root}: it is the container's own tree",
            advice=(
                "mount the node's /sys read-only at /host/sys, and start the agent with --cgroup=/host/sys/fs/cgroup",
            ),
        )
    told = "no kubelet's pods on this node" if found is None else f"{len(found)} pods"
    return Check(topic=Topic.PODS, verdict=Verdict.OK, found=f"cgroup version {hierarchy.version}, {told}")


def state_directory(node: Node) -> Check:
    """Whether the state directory can be written and has room; nothing is written to see that."""
    directory = node.settings.state_directory
    nearest = next((path for path in (directory, *directory.absolute().parents) if _exists(path)), Path("/"))
    if not is_directory(nearest) or not os.access(nearest, os.W_OK | os.X_OK):
        return Check(
            topic=Topic.STATE_DIRECTORY,
            verdict=Verdict.MISSING,
            found=f"{directory} can't be written by uid {os.geteuid()}",
            advice=(
                "name a writable one by --state; in a pod, mount an emptyDir there; as a systemd unit: "
                "StateDirectory=leeward",
            ),
        )
    wanted = node.settings.spool_bytes + _SPACE_BESIDE_SPOOL
    room = _free_bytes(nearest)
    found = f"{directory} is writable, {room / 2**20:,.0f} MiB free"
    if room < wanted:
        return Check(
            topic=Topic.STATE_DIRECTORY,
            verdict=Verdict.LIMITED,
            found=f"{found} of {wanted / 2**20:,.0f} that spool and models may take",
            advice=("give it more room, or lower spool_bytes: a full disk costs the oldest vectors",),
        )
    return Check(topic=Topic.STATE_DIRECTORY, verdict=Verdict.OK, found=found)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _free_bytes(path: Path) -> int:
    try:
        status = os.statvfs(path)
    except OSError:
        return 0
    return status.f_bavail * status.f_frsize


def clock(state: Callable[[], int]) -> Check:
    """Whether the clock follows others: a NodeState's age is judged by another machine's."""
    answer = state()
    if answer == _UNSYNCHRONISED:
        return Check(
            topic=Topic.CLOCK,
            verdict=Verdict.LIMITED,
            found="the kernel holds the clock for unsynchronised; a state's age is judged by another machine's clock",
            advice=("run chrony, or: timedatectl set-ntp true; in a virtual machine the host's clock may be enough",),
        )
    if answer < 0:
        return Check(
            topic=Topic.CLOCK,
            verdict=Verdict.UNKNOWN,
            found="adjtimex is refused here",
            advice=("ask on the node itself: timedatectl, or chronyc tracking",),
        )
    return Check(topic=Topic.CLOCK, verdict=Verdict.OK, found="synchronised")


def api_server(environment: Mapping[str, str], account: Path) -> Check:
    """Whether NodeStates can go to an API server; none is asked.

    Args:
        environment: of the process.
        account: where the service account is mounted.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host:
        return Check(
            topic=Topic.API_SERVER, verdict=Verdict.OK, found="not in a pod: NodeStates go into the state directory"
        )
    unreadable = [name for name in ("token", "ca.crt") if not os.access(account / name, os.R_OK)]
    if unreadable:
        return Check(
            topic=Topic.API_SERVER,
            verdict=Verdict.MISSING,
            found=f"in a pod, but {' and '.join(unreadable)} below {account} can't be read",
            advice=("in the manifest: serviceAccountName: leeward-agent, automountServiceAccountToken: true",),
        )
    return Check(
        topic=Topic.API_SERVER, verdict=Verdict.OK, found=f"{host}, with a service account's token (not asked)"
    )
