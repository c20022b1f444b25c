"""A resctrl monitoring group for one pod, made and removed again.

A group is a directory below the ``mon_groups`` of the control group that its tasks belong to; making one takes an RMID,
writing a thread into its ``tasks`` moves that thread (Linux, ``Documentation/filesystems/resctrl.rst``). What such a
thread creates is in the group from its birth. Removing it gives the tasks back to the control group. Cache lines that
were filled before a thread moved stay counted where they were, so a group's occupancy starts near zero and grows as
lines are filled anew.

Whoever uses a group holds a lock on its directory, which the kernel lets go when the process dies, however it dies. So
a group of our name that nobody locks was left behind, and is removed by the next run.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.errors import AgentError
from agent.sources.refusal import symbol

PREFIX = "leeward-"
_PASSES = 16
"""Lists of threads that are taken until one has nothing new; a pod that forks faster than that is not followed."""

_UNDER_WAY = "another measurement of this pod is under way: wait for its end"
_REASONS = {
    errno.ENOENT: "resctrl is not mounted here, or offers no monitoring: mount -t resctrl resctrl /sys/fs/resctrl",
    errno.ENOSPC: "every monitoring id (RMID) is taken: remove monitoring groups that nobody needs",
    errno.EBUSY: "freed monitoring ids (RMIDs) still hold cache lines: try again in some minutes",
    errno.EEXIST: _UNDER_WAY,
    errno.EAGAIN: _UNDER_WAY,
    errno.EROFS: "resctrl is mounted read-only: run this where it is writable, on the host or in a pod made for it",
    errno.EACCES: "resctrl may not be written: run this as root",
    errno.EPERM: "resctrl may not be written: run this as root",
}
_OTHER_CLASS = "its tasks are in different resctrl control groups: one monitoring group can't hold them"
_OTHER_MONITOR = "another tool monitors it by resctrl group {name}: stop that first"
_HIDDEN = "its tasks are in a PID namespace hidden from here: run this on the host, or with hostPID"
_NO_TASK = "no task runs in it"


class NotMonitoredError(AgentError):
    """The kernel, or somebody else's monitoring, keeps a pod from being monitored.

    Attributes:
        number: the errno.
        reason: one sentence that a person can act upon.
    """

    def __init__(self, number: int, reason: str | None = None) -> None:
        self.number = number
        self.reason = reason or _REASONS.get(number) or f"{os.strerror(number).lower()}: see info/last_cmd_status"
        super().__init__(f"the pod can't be monitored by resctrl ({symbol(number)}): {self.reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directories:
    """How directories of resctrl are made and removed; a test, whose tree no kernel fills, does more than that."""

    make: Callable[[Path], None] = os.mkdir
    remove: Callable[[Path], None] = os.rmdir


class MonitoringGroup:
    """The monitoring group of one pod."""

    def __init__(self, uid: str, *, resctrl: Path, proc: Path, directories: Directories | None = None) -> None:
        """Nothing is made yet.

        Args:
            uid: the pod's.
            resctrl, proc: the kernel's trees.
            directories: how directories are made and removed.
        """
        self._name = f"{PREFIX}{uid}"
        self._resctrl = resctrl
        self._proc = proc
        self._directories = directories or Directories()
        self._path: Path | None = None
        self._lock: int | None = None
        self._moved: set[int] = set()

    def open(self, threads: Callable[[], frozenset[int]]) -> Path:
        """Remove what earlier runs left behind, make the group and move the threads into it; where it lies.

        Args:
            threads: lists the pod's threads as they are now, 0 for those that are hidden from here.

        Raises:
            NotMonitoredError: why not; nothing is left behind.
        """
        remove_abandoned(self._resctrl, self._directories)
        control_group = self._control_group(_listed(threads))
        path = self._resctrl / control_group / "mon_groups" / self._name
        try:
            self._directories.make(path)
        except OSError as error:
            raise NotMonitoredError(error.errno or errno.EIO) from error
        self._path = path
        try:
            self._lock = _locked(path)
            self.follow(threads)
        except OSError as error:
            self.close()
            raise NotMonitoredError(error.errno or errno.EIO) from error
        except BaseException:
            self.close()
            raise
        return path

    def follow(self, threads: Callable[[], frozenset[int]]) -> None:
        """Move threads that are not in the group yet, until a list has nothing new.

        Raises:
            NotMonitoredError: one can't be moved; what is measured is not the whole pod then.
        """
        assert self._path is not None
        for _ in range(_PASSES):
            new = _listed(threads) - self._moved - {0}
            if not new:
                return
            self._move(self._path / "tasks", new)

    def close(self) -> None:
        """Remove the group, which gives its tasks back; a second call does nothing."""
        if self._path is not None:
            _remove(self._path, self._directories)
        if self._lock is not None:
            os.close(self._lock)
        self._path = self._lock = None
        self._moved.clear()

    def _control_group(self, threads: frozenset[int]) -> str:
        """Where the pod's tasks are; the root group's name is empty."""
        if not threads - {0}:
            raise NotMonitoredError(errno.ESRCH, _HIDDEN if threads else _NO_TASK)
        memberships = [found for thread in threads - {0} if (found := self._membership(thread)) is not None]
        monitors = sorted({monitor for _, monitor in memberships if monitor})
        if monitors:
            raise NotMonitoredError(errno.EBUSY, _OTHER_MONITOR.format(name=monitors[0][:40]))
        controls = {control for control, _ in memberships}
        if len(controls) > 1:
            raise NotMonitoredError(errno.EINVAL, _OTHER_CLASS)
        return next(iter(controls), "")

    def _membership(self, thread: int) -> tuple[str, str] | None:
        """Control and monitoring group of a thread; ``None`` where it has ended, or the kernel predates 5.6."""
        try:
            text = (self._proc / str(thread) / "cpu_resctrl_groups").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return None
        lines = dict(line.partition(":")[::2] for line in text.splitlines())
        return lines.get("res", "").strip("/"), lines.get("mon", "")

    def _move(self, tasks: Path, threads: frozenset[int]) -> None:
        """One write a thread, as kernels before 6.7 want it. Never 0, which would stand for the writer itself."""
        try:
            descriptor = os.open(tasks, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise NotMonitoredError(error.errno or errno.EIO) from error
        try:
            for thread in sorted(threads):
                _write(descriptor, thread)
        finally:
            os.close(descriptor)
        self._moved |= threads


def remove_abandoned(resctrl: Path, directories: Directories | None = None) -> None:
    """Remove groups of our name that no living process holds.

    Args:
        resctrl: the root; where nothing is mounted there is nothing to remove.
        directories: how directories are removed.
    """
    for path in (*resctrl.glob(f"mon_groups/{PREFIX}*"), *resctrl.glob(f"*/mon_groups/{PREFIX}*")):
        try:
            lock = _locked(path)
        except OSError:
            continue
        try:
            _remove(path, directories or Directories())
        finally:
            os.close(lock)


def _locked(path: Path) -> int:
    """A descriptor that holds the directory's lock, refused with EAGAIN where another process does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path, directories: Directories) -> None:
    """What can't be removed now is tried again by the next run."""
    try:
        directories.remove(path)
    except OSError:
        return


def _listed(threads: Callable[[], frozenset[int]]) -> frozenset[int]:
    try:
        return threads()
    except OSError as error:
        reason = f"its threads can't be listed: {error.filename}, {error.strerror}"
        raise NotMonitoredError(error.errno or errno.EIO, reason) from error


def _write(descriptor: int, thread: int) -> None:
    try:
        os.write(descriptor, b"%d\n" % thread)
    except ProcessLookupError:
        return
    except OSError as error:
        reason = _OTHER_CLASS if error.errno == errno.EINVAL else None
        raise NotMonitoredError(error.errno or errno.EIO, reason) from error
