"""LLC occupancy and memory bandwidth by the kernel's resctrl monitoring files.

``mon_data/mon_L3_XX`` holds one file a quantity. In a control group it is the sum over that group and all its
``mon_groups``, so a domain's total is the root group plus every other control group and nothing below (Linux,
``Documentation/filesystems/resctrl.rst``). With sub-NUMA clusters ``mon_L3_XX/mon_sub_L3_YY`` has the part of NUMA
node YY.
"""

import errno
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.clocks import asleep_ns
from agent.settings import AgentSettings
from agent.sources.protocol import CounterBlock, MissingEvent, Opened, Reading
from agent.sources.refusal import LEFT_ALONE, all_missing, unreadable
from agent.sources.resctrl_parts import GroupParts
from agent.sources.unread import mark_unread
from agent.sysfs import read_number
from agent.topology import Domain, Topology
from agent.topology_sysfs import l3_id, numa_node
from contracts.events import Pmu

_OCCUPANCY = "RESCTRL.LLC_OCCUPANCY_BYTES"
_FILES = {
    _OCCUPANCY: "llc_occupancy",
    "RESCTRL.MBM_TOTAL_BYTES": "mbm_total_bytes",
    "RESCTRL.MBM_LOCAL_BYTES": "mbm_local_bytes",
}
_NOT_MOUNTED = "resctrl is not mounted: mount -t resctrl resctrl /sys/fs/resctrl, on a CPU with RDT monitoring"
_NOT_MONITORED = "resctrl has no such file for any domain here: the CPU, the hypervisor or the kernel lacks it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a domain's files lie below ``mon_data``, and whether each read of them interrupts an isolated CPU."""

    domain: str
    path: str
    is_wholly_isolated: bool


class ResctrlSource:
    """Occupancy as a gauge, bandwidth as cumulative bytes, a row a control group and domain.

    A value that the kernel gives as ``Error``, ``Unavailable`` or ``Unassigned`` is missing: a gauge is then absent for
    that domain, and a row is marked unread. Sums that lack a group would pass for a smaller load.

    The hardware's bandwidth counters have 24 bits or some more and wrap within seconds. The kernel reads them once a
    second and gives bytes in 64 bits, which take years to wrap (Linux, ``mbm_handle_overflow``,
    ``mbm_overflow_count``). A figure that falls was begun anew or lost a part, and is missing for that window.
    """

    name = "resctrl"

    def __init__(self, *, topology: Topology, settings: AgentSettings) -> None:
        self._topology = topology
        self._settings = settings
        self._places: tuple[_Place, ...] = ()
        self._events: tuple[str, ...] = ()
        self._parts = GroupParts()

    def open(self, events: frozenset[str]) -> Opened:
        """See which of the three quantities the root group offers."""
        self.close()
        wanted = [name for name in _FILES if name in events]
        try:
            return self._open(wanted)
        except OSError as error:
            return Opened(missing=unreadable(wanted, error))

    def read(self, *, ends_window: bool = True) -> Reading:
        """All groups as they are now, bandwidth where a window ends; groups come and go between readings.

        Each file that is read interrupts some CPU of its domain for a moment (Linux, ``mon_event_read``), one that is
        not ``nohz_full`` if there is any. Where all are isolated, files are read at a window's end alone, and under
        policy ``never`` not at all.
        """
        wall_ns, monotonic_ns, slept_ns = time.time_ns(), time.monotonic_ns(), asleep_ns()
        groups = self._groups() if self._events else None
        if groups is None:
            return Reading(wall_ns=wall_ns, monotonic_ns=monotonic_ns, asleep_ns=slept_ns)
        bandwidth = tuple(name for name in self._events if name != _OCCUPANCY) if ends_window else ()
        return Reading(
            wall_ns=wall_ns,
            monotonic_ns=monotonic_ns,
            asleep_ns=slept_ns,
            blocks=(self._block(bandwidth, groups, now_ns=monotonic_ns),) if bandwidth else (),
            gauges=self._occupancy(groups, ends_window=ends_window) if _OCCUPANCY in self._events else {},
        )

    def close(self) -> None:
        """Forget what was open; there are no descriptors to release."""
        self._places = ()
        self._events = ()
        self._parts.forget()

    def _open(self, wanted: Sequence[str]) -> Opened:
        root = self._settings.roots.resctrl / "mon_data"
        if not root.is_dir():
            return Opened(missing=all_missing(wanted, number=errno.ENOENT, reason=_NOT_MOUNTED))
        left_alone = self._topology.left_alone(self._settings.isolated_cpus)
        if len(left_alone) == len(self._topology.domains):
            return Opened(missing=all_missing(wanted, number=errno.ENODEV, reason=LEFT_ALONE))
        self._places = tuple(
            place
            for domain in self._topology.domains
            if domain not in left_alone and (place := self._place(domain, root)) is not None
        )
        missing: list[MissingEvent] = []
        offered: list[str] = []
        for name in wanted:
            if any((root / place.path / _FILES[name]).is_file() for place in self._places):
                offered.append(name)
            else:
                missing.extend(all_missing([name], number=errno.ENOENT, reason=_NOT_MONITORED))
        self._events = tuple(offered)
        return Opened(events=frozenset(offered), missing=tuple(missing))

    def _place(self, domain: Domain, root: Path) -> _Place | None:
        sys = self._settings.roots.sys
        cache = l3_id(sys, domain.cpus[0])
        if cache is None:
            return None
        path = f"mon_L3_{cache:02d}"
        if sum(other.socket == domain.socket for other in self._topology.domains) > 1:
            node = numa_node(sys, domain.cpus[0])
            path = f"{path}/mon_sub_L3_{node:02d}"
        if not (root / path).is_dir():
            return None
        return _Place(domain=domain.name, path=path, is_wholly_isolated=self._topology.is_wholly_isolated(domain))

    def _groups(self) -> dict[str, Path] | None:
        """Control groups by name, those directories that have ``mon_data``; the root group's name is empty.

        ``None`` where they can't be listed: what is left of a list would pass for a smaller load.
        """
        root = self._settings.roots.resctrl
        try:
            groups = [entry for entry in sorted(root.iterdir()) if (entry / "mon_data").is_dir()]
        except OSError:
            return None
        return {"": root} | {entry.name: entry for entry in groups}

    def _occupancy(self, groups: Mapping[str, Path], *, ends_window: bool) -> dict[str, dict[str, float]]:
        gauges = {}
        for place in self._places:
            if place.is_wholly_isolated and not ends_window:
                continue
            values = [_value(group / "mon_data" / place.path / _FILES[_OCCUPANCY]) for group in groups.values()]
            present = [value for value in values if value is not None]
            if len(present) == len(values):
                gauges[place.domain] = {_OCCUPANCY: float(sum(present))}
        return gauges

    def _block(self, events: tuple[str, ...], groups: Mapping[str, Path], *, now_ns: int) -> CounterBlock:
        rows = [(place, name, group) for place in self._places for name, group in groups.items()]
        counts = np.zeros((len(rows), len(events)), dtype=np.uint64)
        enabled_ns = np.full(len(rows), now_ns, dtype=np.uint64)
        running_ns = enabled_ns.copy()
        unread = np.zeros(len(rows), dtype=np.bool_)
        sums = self._parts.numbers(groups)
        for index, (place, _, group) in enumerate(rows):
            values = [_value(group / "mon_data" / place.path / _FILES[event]) for event in events]
            present = [value for value in values if value is not None]
            if len(present) == len(values):
                counts[index] = present
            else:
                unread[index] = True
        changed = {name for name, number in self._parts.numbers(groups).items() if number != sums[name]}
        unread |= np.array([name in changed for _, name, _ in rows], dtype=np.bool_)
        mark_unread(unread, enabled_ns=enabled_ns, running_ns=running_ns)
        return CounterBlock(
            pmu=Pmu.RESCTRL,
            events=events,
            instances=tuple(_instance(name, sums[name], place.domain) for place, name, _ in rows),
            domains=tuple(place.domain for place, _, _ in rows),
            counts=counts,
            enabled_ns=enabled_ns,
            running_ns=running_ns,
        )


def _instance(group: str, sums: int, domain: str) -> str:
    """The row's name, another one once the group's figures sum fewer groups than before."""
    return f"{group or 'root'}{f'#{sums}' if sums else ''}@{domain}"


def _value(path: Path) -> int | None:
    """The number in a monitoring file; ``None`` for a word, or where the group vanished meanwhile."""
    try:
        return read_number(path)
    except OSError:
        return None
