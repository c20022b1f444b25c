"""What this process may do, as far as counting goes."""

import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from agent.doctor.kernel_files import number_of, parsed_number, text_of
from agent.settings import Roots

_CAP_SYS_ADMIN = 21
_CAP_PERFMON = 38
"""Bits of a capability set (``include/uapi/linux/capability.h``). CAP_PERFMON is there since Linux 5.8."""
_EVERY_UID = 2**32 - 1
HIGHEST_PARANOID_LEVEL = 0
"""Up to here everybody may count whole CPUs (``Documentation/admin-guide/sysctl/kernel.rst``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Rights of the agent's process.

    Attributes:
        paranoid: ``kernel.perf_event_paranoid``; ``None`` where it is not told.
        capabilities: the effective set; ``None`` where it is not told.
        in_user_namespace: whether its capabilities hold only in a user namespace of its own; the kernel asks for those
            of the first one.
        has_filter: whether a seccomp filter judges its system calls.
        selinux_enforces: whether SELinux refuses what its policy does not name.
        descriptor_limit: how many descriptors it may raise its limit to.
        in_pod: whether Kubernetes started it.
    """

    paranoid: int | None
    capabilities: int | None
    in_user_namespace: bool
    has_filter: bool
    selinux_enforces: bool
    descriptor_limit: int
    in_pod: bool

    @property
    def capability(self) -> str | None:
        """The capability by which it may count whole CPUs whatever the paranoid level."""
        if self.capabilities is None or self.in_user_namespace:
            return None
        held = (
            name
            for name, bit in (("CAP_PERFMON", _CAP_PERFMON), ("CAP_SYS_ADMIN", _CAP_SYS_ADMIN))
            if self.capabilities >> bit & 1
        )
        return next(held, None)

    @property
    def may_count(self) -> bool:
        """Whether paranoid level or capability let it count whole CPUs."""
        return self.capability is not None or (self.paranoid is not None and self.paranoid <= HIGHEST_PARANOID_LEVEL)


def read_process(roots: Roots, environment: Mapping[str, str]) -> Process:
    """Read what is told of this process.

    Args:
        roots: the kernel's trees.
        environment: of the process.
    """
    pairs = (line.partition(":") for line in (text_of(roots.proc / "self/status") or "").splitlines())
    status = {key: value.strip() for key, _, value in pairs}
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Process(
        paranoid=number_of(roots.proc / "sys/kernel/perf_event_paranoid"),
        capabilities=parsed_number(status.get("CapEff"), base=16),
        in_user_namespace=_maps_some_uids(text_of(roots.proc / "self/uid_map")),
        has_filter=status.get("Seccomp") == "2",
        selinux_enforces=text_of(roots.sys / "fs/selinux/enforce") == "1",
        descriptor_limit=sys.maxsize if hard == resource.RLIM_INFINITY else hard,
        in_pod=bool(environment.get("KUBERNETES_SERVICE_HOST")),
    )


def _maps_some_uids(uid_map: str | None) -> bool:
    """The first user namespace maps every uid onto itself (``user_namespaces(7)``)."""
    return uid_map is not None and uid_map.split() != ["0", "0", str(_EVERY_UID)]
