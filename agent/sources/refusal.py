"""Why a counter could not be opened, in one sentence that a person can act upon.

A sentence never names the event, so that coverage can say it once for all events it holds for; it stays within the 160
characters that NodeState allows.
"""

import errno
import os
from collections.abc import Iterable

from agent.sources.protocol import MissingEvent

_ACTIONS = {
    errno.ENOENT: "no such hardware counter here: run on bare metal, or give the virtual machine a PMU",
    errno.EACCES: "not allowed to count: grant CAP_PERFMON, or set kernel.perf_event_paranoid to 0 or lower",
    errno.EPERM: "not allowed to count: grant CAP_PERFMON, and let the seccomp profile pass perf_event_open",
    errno.EINVAL: "the kernel or hypervisor refuses this encoding: upgrade it, or run without this event",
    errno.EMFILE: "too many open files: raise the process's limit (LimitNOFILE)",
    errno.ENFILE: "too many open files on the node: raise fs.file-max",
    errno.ENODEV: "the CPU is offline or its PMU is gone: bring it back and restart the agent",
    errno.EOPNOTSUPP: "the PMU cannot count this way: the virtual machine or firmware hides it",
    errno.EBUSY: "another user holds the counter: stop other profilers",
    errno.ENOSYS: "the kernel was built without perf events: use one with CONFIG_PERF_EVENTS",
}


FOREIGN_CPU = "this CPU is not Sapphire Rapids: the encodings known here would count something else"
"""Why events stay closed on other CPUs even though their kernel would take the numbers."""

LEFT_ALONE = (
    "every CPU of the socket is isolated: keep one of each socket for the kernel, or set spec.isolatedCpus to sampled"
)
"""Why a socket's boxes and resctrl files stay unread under policy ``never``: a read would interrupt one of its CPUs."""


def symbol(number: int) -> str:
    """``ENOENT`` for 2.

    >>> symbol(13)
    'EACCES'
    """
    if number == errno.EOPNOTSUPP:
        return "EOPNOTSUPP"  # Python knows it by its alias of POSIX, ENOTSUP
    return errno.errorcode.get(number, f"E{number}")


def refused(event: str, number: int) -> MissingEvent:
    """A missing event for an errno of a system call.

    Args:
        event: vendor name.
        number: the errno, above zero.
    """
    reason = _ACTIONS.get(number) or f"{os.strerror(number).lower()}: see the kernel log"
    return MissingEvent(event=event, errno=symbol(number), reason=reason)


def all_missing(events: Iterable[str], *, number: int, reason: str) -> tuple[MissingEvent, ...]:
    """The same reason for many events, in the order of their names."""
    return tuple(MissingEvent(event=event, errno=symbol(number), reason=reason) for event in sorted(events))


def unreadable(events: Iterable[str], error: OSError) -> tuple[MissingEvent, ...]:
    """Events whose place in sysfs can't be read: hidden from the container, or gone since it was listed."""
    reason = f"{error.filename} can't be read: let the container see and read the host's sysfs"
    return all_missing(events, number=error.errno or errno.EIO, reason=reason)


def first_reasons(missing: Iterable[MissingEvent], *, opened: frozenset[str]) -> tuple[MissingEvent, ...]:
    """One reason an event, the first that was met; none for events that were opened somewhere after all."""
    reasons: dict[str, MissingEvent] = {}
    for entry in missing:
        if entry.event not in opened:
            reasons.setdefault(entry.event, entry)
    return tuple(reasons[event] for event in sorted(reasons))
