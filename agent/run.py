"""The agent's loop: what the container on each node runs."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Protocol

from agent import log
from agent.champion_model import ChampionModel
from agent.clocks import WindowTimes
from agent.coverage import coverage_of
from agent.errors import AgentError, TopologyError
from agent.figures import Figures
from agent.hysteresis import Hysteresis
from agent.judged import JudgedWindow, judge_window, unmeasured
from agent.outlet import PUBLISH_FAILED, Outlet
from agent.pods import UNKNOWN_PLACEMENT, PodWatch
from agent.sampling import windows
from agent.sd_notify import Supervisor
from agent.settings import AgentSettings
from agent.sources.opening import opened
from agent.sources.protocol import Reading
from agent.sources.refusal import LEFT_ALONE
from agent.sources.registry import Origin, origin_of
from agent.state import utc_from_ns
from agent.timed_source import TimedSource
from agent.topology_sysfs import online_cpus
from agent.troubles import Trouble, Troubles
from contracts.nodestate import Condition, Coverage, Spec
from contracts.vector import FeatureVector
from serving.errors import BundleError

ALIVE = "alive"
"""File in the state directory whose time is that of the last window; the container's probes look at it."""
LOOK_AGAIN_SECONDS = 10.0
"""Between two tries to find out what this machine consists of."""
REOPENED_AFTER_SECONDS = 3600.0
"""Events that are missing are looked for again after so long: by then a module may be loaded, resctrl mounted, another
profiler gone. Not sooner, since all counters are closed and opened for it, those of other CPUs by interrupting them."""


class VectorSink(Protocol):
    """Takes the vectors of every window, whether or not its NodeState is due."""

    def accept(self, vectors: Sequence[FeatureVector]) -> None:
        """Take one window's vectors.

        Called between two samples, so it neither waits nor raises: what can't be delivered it keeps, or counts.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an agent works with, from its start to its end.

    Attributes:
        outlet: takes NodeStates, and tells what the administrator wants.
        model: the regime model, looked after before each judgement.
        troubles: hears what is amiss.
        figures: counts.
        supervisor: hears that the loop goes on.
        pods: sees where pods live; ``None`` where nobody looks.
        sink: where vectors go, if anywhere.
        origin_of: from settings to topology and sources.
    """

    outlet: Outlet
    model: ChampionModel
    troubles: Troubles
    figures: Figures
    supervisor: Supervisor
    pods: PodWatch | None = None
    sink: VectorSink | None = None
    origin_of: Callable[[AgentSettings], Origin] = origin_of


def settings_in_force(own: AgentSettings, spec: Spec | None, *, troubles: Troubles) -> AgentSettings:
    """The agent's own settings under the administrator's; without these where the two don't go together.

    Args:
        own: the agent's.
        spec: the NodeState's.
        troubles: hears of a spec that can't be followed.
    """
    try:
        settings = own.with_spec(spec)
    except AgentError as error:
        troubles.tell("spec-not-followed", str(error))
        return own
    troubles.clear("spec-not-followed")
    return settings


def _online(settings: AgentSettings) -> tuple[int, ...] | None:
    """CPUs that are online now; ``None`` where that can't be seen, which is a change like any other."""
    try:
        return online_cpus(settings.roots)
    except TopologyError:
        return None


class Agent:
    """Turns window after window into NodeStates and vectors.

    Counters are opened anew when CPUs come or go, once in a window's length at most since that takes its time; when the
    administrator changes the NodeState's ``spec``; and now and then where events are missing. Where it can't be seen
    what this machine consists of, that is published and looked at again.

    Args:
        settings: paces, node name, roots, state directory; the ``spec`` goes over them.
        surroundings: what it works with.
        monotonic: seconds now.
    """

    def __init__(
        self,
        settings: AgentSettings,
        surroundings: Surroundings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._own_settings = settings
        self._settings = settings
        self._with = surroundings
        self._hysteresis = Hysteresis()
        self._conditions: Sequence[Condition] = ()

    @property
    def settings(self) -> AgentSettings:
        """Those in force."""
        return self._settings

    def run(self, stop: Event) -> None:
        """Measure until stopped, or until a recording has come to its end.

        Args:
            stop: ends it at once.

        Raises:
            AgentError: a recording can't be replayed.
        """
        self._with.model.refresh()
        while not stop.is_set():
            spec = self._with.outlet.spec
            self._settings = settings_in_force(self._own_settings, spec, troubles=self._with.troubles)
            try:
                origin = self._with.origin_of(self._settings)
            except TopologyError as error:
                self._with.troubles.tell("topology-unreadable", str(error))
                self._publish(unmeasured(self._settings.node, self._troubles_to_publish(), now=datetime.now(UTC)))
                self._with.figures.beaten(ends_window=True)
                self._with.supervisor.alive()
                stop.wait(LOOK_AGAIN_SECONDS)
                continue
            self._with.troubles.clear("topology-unreadable")
            self._settings = origin.settings
            self._tell_what_is_odd(origin)
            self._measure(origin, spec, stop)
            if origin.settings.replay is not None:
                return

    def _tell_what_is_odd(self, origin: Origin) -> None:
        topology = origin.topology
        left_alone = ", ".join(domain.name for domain in topology.left_alone(origin.settings.isolated_cpus))
        self._tell("topology-doubtful", "; ".join(topology.doubts))
        self._tell("domains-left-alone", f"nothing is read of {left_alone}: {LEFT_ALONE}" if left_alone else "")

    def _tell(self, trouble: str, sentence: str) -> None:
        if sentence:
            self._with.troubles.tell(trouble, sentence)
        else:
            self._with.troubles.clear(trouble)

    def _measure(self, origin: Origin, spec: Spec | None, stop: Event) -> None:
        """Open the sources once and go on until stopped, or until something calls for opening them anew."""
        settings, figures = origin.settings, self._with.figures
        online, opened_at_seconds = _online(settings), self._monotonic()
        sources = [TimedSource(source, figures) for source in origin.sources]
        times = WindowTimes(window_seconds=settings.window_seconds, troubles=self._with.troubles)
        with opened(sources) as answers:
            coverage = coverage_of(answers)
            log.info("counting", node=settings.node, opened=coverage.opened, wanted=coverage.wanted)
            may_be_found = coverage.opened < coverage.wanted and settings.replay is None
            reopened_after_seconds = REOPENED_AFTER_SECONDS if may_be_found else math.inf
            beats = figures.beats(origin.beats(stop), progress=self._with.supervisor.alive)
            for first, last in windows(sources, beats=beats, times=times):
                judged = self._judge(origin, coverage, first=first, last=last)
                if self._with.sink is not None:
                    self._with.sink.accept(judged.vectors)
                self._publish(judged)
                open_for_seconds = self._monotonic() - opened_at_seconds
                if self._with.outlet.spec != spec:
                    log.info("spec-changed", node=settings.node)
                    return
                if open_for_seconds >= settings.window_seconds and _online(settings) != online:
                    log.info("cpus-changed", node=settings.node)
                    return
                if open_for_seconds >= reopened_after_seconds:
                    log.info("looking-for-missing-events", node=settings.node)
                    return

    def _judge(self, origin: Origin, coverage: Coverage, *, first: Reading, last: Reading) -> JudgedWindow:
        model, pods = self._with.model, self._with.pods
        model.refresh()
        judge = partial(
            judge_window,
            first,
            last,
            topology=origin.topology,
            settings=origin.settings,
            coverage=coverage,
            now=utc_from_ns(last.wall_ns),
            pods=pods.placement(origin.topology) if pods is not None else UNKNOWN_PLACEMENT,
            previous=self._conditions,
        )
        try:
            judged = judge(
                predictor=model.predictor,
                bundle_digest=model.digest,
                hysteresis=self._hysteresis,
                troubles=self._troubles_to_publish(),
            )
        except BundleError as error:
            self._with.troubles.tell("model-fails", f"{error}; regimes are unknown meanwhile: promote another model")
            judged = judge(troubles=self._troubles_to_publish())
        else:
            self._with.troubles.clear("model-fails")
        self._with.figures.finished(judged, rows_left_out=judged.rows_left_out)
        return judged

    def _troubles_to_publish(self) -> tuple[Trouble, ...]:
        """All but those of publishing: who reads them reads a state that was published."""
        return tuple(trouble for trouble in self._with.troubles.present if trouble.name != PUBLISH_FAILED)

    def _publish(self, judged: JudgedWindow) -> None:
        self._conditions = judged.status.conditions
        self._with.outlet.offer(judged)
        self._with.supervisor.ready(f"measuring {self._settings.node}: {judged.status.regimes or 'no domain'}")
        try:
            (self._settings.state_directory / ALIVE).touch()
        except OSError as error:
            place = self._settings.state_directory
            self._with.troubles.tell(
                "state-directory-not-writable",
                f"{place} can't be written: {error.strerror}; make it writable, or the container is taken for dead",
            )
        else:
            self._with.troubles.clear("state-directory-not-writable")
