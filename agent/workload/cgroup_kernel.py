"""A kernel whose counters count the tasks of one cgroup alone."""

import errno
from typing import Any

from agent.encoding import Encoding
from agent.sources.kernel import OWN_THREAD, Kernel


class CgroupKernel(Kernel):
    """Opens every counter in cgroup mode (``PERF_FLAG_PID_CGROUP``), so that whoever counts CPUs counts a pod's tasks.

    What lies below the cgroup is counted with it. Counting one's own thread in place of the pod's is refused.
    """

    def __init__(self, cgroup_fd: int, calls: Any = None, *, owner: object = None) -> None:
        """Wrap the system calls.

        Args:
            cgroup_fd: descriptor of the cgroup's directory, in the hierarchy that perf counts by.
            calls, owner: as of ``Kernel``.
        """
        super().__init__(calls, owner=owner)
        self._cgroup_fd = cgroup_fd

    def open(self, encoding: Encoding, *, cpu: int, group_fd: int = -1, cgroup_fd: int | None = None) -> int:
        """As of ``Kernel``; a cgroup that the caller names goes before this one."""
        if cpu == OWN_THREAD:
            return -errno.EINVAL
        return super().open(
            encoding, cpu=cpu, group_fd=group_fd, cgroup_fd=self._cgroup_fd if cgroup_fd is None else cgroup_fd
        )
