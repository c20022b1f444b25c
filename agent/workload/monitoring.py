"""A pod's cache occupancy and memory bandwidth, by a monitoring group of its own."""

from dataclasses import replace
from pathlib import Path

from agent.cgroup_tree import threads
from agent.settings import AgentSettings
from agent.sources.protocol import Opened, Reading
from agent.sources.refusal import all_missing
from agent.sources.resctrl import ResctrlSource
from agent.topology import Topology
from agent.workload.moment import moment
from agent.workload.monitoring_group import Directories, MonitoringGroup, NotMonitoredError
from agent.workload.subject import Subject
from contracts.events import EVENTS, Pmu


class PodMonitoringSource:
    """The events of resctrl for one pod; threads that appear meanwhile are followed with each reading.

    A monitoring group has the files of a control group, so whoever reads the node's resctrl reads a pod's, given its
    group for the root.
    """

    name = "resctrl"

    def __init__(
        self,
        subject: Subject,
        *,
        topology: Topology,
        settings: AgentSettings,
        directories: Directories | None = None,
    ) -> None:
        """Nothing is made yet.

        Args:
            subject: the pod.
            topology: the whole node's, which tells how resctrl numbers its domains.
            settings: roots.
            directories: how directories of resctrl are made and removed.
        """
        self._subject = subject
        self._topology = topology
        self._settings = settings
        roots = settings.roots
        self._group = MonitoringGroup(subject.uid, resctrl=roots.resctrl, proc=roots.proc, directories=directories)
        self._source: ResctrlSource | None = None

    @property
    def is_open(self) -> bool:
        """Whether the pod is monitored."""
        return self._source is not None

    def open(self, events: frozenset[str]) -> Opened:
        """Make the group, move the pod's threads into it, and see which of the three quantities there are."""
        self.close()
        wanted = [name for name in events if EVENTS[name].pmu is Pmu.RESCTRL]
        try:
            path = self._group.open(self._threads)
        except NotMonitoredError as error:
            return Opened(missing=all_missing(wanted, number=error.number, reason=error.reason))
        self._source = ResctrlSource(topology=self._topology, settings=_rooted(self._settings, resctrl=path))
        return self._source.open(events)

    def read(self, *, ends_window: bool = True) -> Reading:
        """Occupancy and bytes of the pod.

        Raises:
            NotMonitoredError: the pod has got threads that can't be followed.
        """
        if self._source is None:
            return moment()
        self._group.follow(self._threads)
        return self._source.read(ends_window=ends_window)

    def close(self) -> None:
        """Remove the group; a second call does nothing."""
        if self._source is not None:
            self._source.close()
        self._source = None
        self._group.close()

    def _threads(self) -> frozenset[int]:
        return threads(str(self._subject.directory), version=self._subject.version)


def _rooted(settings: AgentSettings, *, resctrl: Path) -> AgentSettings:
    return replace(settings, roots=replace(settings.roots, resctrl=resctrl))
