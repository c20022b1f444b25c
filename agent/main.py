"""The agent on this machine: the one place that wires its real parts."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from agent import log
from agent.champion_model import ChampionModel
from agent.descriptors import raise_descriptor_limit
from agent.errors import AgentError
from agent.once import WINDOW_SECONDS, observe
from agent.publish import DirectoryPublisher, NodeStatePublisher
from agent.publish_api import ApiPublisher, ApiServer
from agent.regime import RegimePredictor
from agent.run import VectorSink
from agent.run import run as run_windows
from agent.settings import AgentSettings, Roots
from agent.sources.registry import sources_of
from agent.sources.software import SoftwareCounters, SoftwareWindow
from agent.topology_sysfs import read_topology
from contracts.nodestate import NodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """What a measurement shows: the node's state, and the kernel's software counters over the same window."""

    state: NodeState
    software: SoftwareWindow


def settings_of(
    *,
    state_directory: Path,
    node: str | None = None,
    roots: Roots | None = None,
    environment: Mapping[str, str] = os.environ,
) -> AgentSettings:
    """Settings from a command line and the environment.

    Args:
        state_directory: where local state lies.
        node: the node's name; where absent ``NODE_NAME``, which the DaemonSet sets, else the host's name.
        roots: the kernel's trees.
        environment: of the process.
    """
    settings = AgentSettings(state_directory=state_directory, roots=roots or Roots())
    named = node or environment.get("NODE_NAME")
    return replace(settings, node=named) if named else settings


def measure(
    settings: AgentSettings,
    *,
    predictor: RegimePredictor | None = None,
    bundle_digest: str | None = None,
    window_seconds: float = WINDOW_SECONDS,
) -> MachineReport:
    """Measure this machine for one window.

    Args:
        settings: roots, node name, event groups.
        predictor, bundle_digest: the regime model and its bundle, if there is one.
        window_seconds: above zero.

    Raises:
        TopologyError: the roots hold no machine.
        AgentError: no event group is enabled, or the window has no length.
    """
    raise_descriptor_limit()
    settings = replace(
        settings,
        window_seconds=window_seconds,
        sampling_period_seconds=min(settings.sampling_period_seconds, window_seconds),
    )
    topology = read_topology(settings.roots)
    software = SoftwareCounters(topology=topology)
    software.open()
    try:
        state = observe(
            sources_of(topology, settings),
            topology,
            settings,
            predictor=predictor,
            bundle_digest=bundle_digest,
            window_seconds=window_seconds,
        )
        return MachineReport(state=state, software=software.window())
    finally:
        software.close()


def run(
    settings: AgentSettings,
    *,
    stop: Event | None = None,
    sink: VectorSink | None = None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Measure this machine until SIGTERM, SIGINT or ``stop``; events go to standard error.

    NodeStates go to the API server where this is a pod with a service account, else into the state directory. When CPUs
    come or go, everything is opened anew.

    Args:
        settings: of the node.
        stop: ends it, besides the signals.
        sink: where vectors go, if anywhere.
        environment: of the process.

    Raises:
        TopologyError: the roots hold no machine.
        AgentError: no event group is enabled, or the state directory can't be made.
    """
    log.to_standard_error()
    raise_descriptor_limit()
    _make(settings.state_directory)
    model = ChampionModel(settings.state_directory)
    with _stopped_by_signals(stop or Event()) as stopped, _publisher(settings, environment) as publisher:
        while not stopped.is_set():
            topology = read_topology(settings.roots)
            run_windows(
                settings,
                topology=topology,
                sources=sources_of(topology, settings),
                publisher=publisher,
                model=model,
                stop=stopped,
                sink=sink,
            )
    log.info("stopped", node=settings.node)


def _make(state_directory: Path) -> None:
    try:
        state_directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AgentError(
            f"state directory {state_directory} can't be made: {error.strerror}; name a writable one"
        ) from error


@contextmanager
def _publisher(settings: AgentSettings, environment: Mapping[str, str]) -> Iterator[NodeStatePublisher]:
    server = ApiServer.in_cluster(environment)
    if server is None:
        log.info("publishing-to-directory", path=settings.state_directory)
        yield DirectoryPublisher(settings.state_directory)
        return
    log.info("publishing-to-api-server", host=server.host, port=server.port)
    with closing(ApiPublisher(server)) as publisher:
        yield publisher


@contextmanager
def _stopped_by_signals(stop: Event) -> Iterator[Event]:
    """``stop``, set by SIGTERM and SIGINT too; the handlers before are put back."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
