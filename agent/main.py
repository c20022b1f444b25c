"""The agent on this machine: the one place that wires its real parts."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Protocol, TypeVar

from agent import log
from agent.champion_model import ChampionModel
from agent.delivery import ANSWER_SECONDS, Delivery
from agent.descriptors import raise_descriptor_limit
from agent.errors import AgentError
from agent.figures import Figures
from agent.http_client import HttpClient, Server
from agent.model_fetch import ModelFetch
from agent.once import WINDOW_SECONDS, observe
from agent.outlet import Outlet
from agent.pacing import Pacing
from agent.pod_cgroups import PodCgroups
from agent.pods import UNKNOWN_PLACEMENT, PodWatch
from agent.publish import DirectoryPublisher, NodeStatePublisher
from agent.publish_api import ApiPublisher, ApiServer
from agent.regime import RegimePredictor
from agent.run import Agent, Surroundings, VectorSink
from agent.sd_notify import Supervisor
from agent.settings import AgentSettings
from agent.sources.registry import Origin, origin_of
from agent.sources.software import SoftwareCounters, SoftwareWindow
from agent.spool import Spool
from agent.stopping import stopped_by_signals
from agent.troubles import Troubles
from contracts.nodestate import NodeState

SPOOL = "spool"
"""Directory below the state directory where vectors wait for ingest."""
_NO_CEILING = 1e6
"""Two readings in all are no rate; the ceiling is for what goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """What a measurement shows: the node's state, and the kernel's software counters over the same window."""

    state: NodeState
    software: SoftwareWindow


def measure(
    settings: AgentSettings,
    *,
    predictor: RegimePredictor | None = None,
    bundle_digest: str | None = None,
    window_seconds: float = WINDOW_SECONDS,
) -> MachineReport:
    """Measure this machine for one window.

    Args:
        settings: roots, node name, event groups; a recording in place of the machine.
        predictor, bundle_digest: the regime model and its bundle, if there is one.
        window_seconds: above zero.

    Raises:
        TopologyError: the roots hold no machine.
        AgentError: no event group is enabled, or the window has no length.
    """
    raise_descriptor_limit()
    origin = origin_of(
        replace(
            settings,
            window_seconds=window_seconds,
            sampling_period_seconds=min(settings.sampling_period_seconds, window_seconds),
            remote_reads_per_second=_NO_CEILING,
        )
    )
    is_live = settings.replay is None
    pods = PodWatch(PodCgroups(settings.roots.cgroup), Troubles()) if is_live else None
    software = SoftwareCounters(topology=origin.topology)
    software.open()
    try:
        state = observe(
            origin.sources,
            origin.topology,
            origin.settings,
            predictor=predictor,
            bundle_digest=bundle_digest,
            pods=pods.placement(origin.topology) if pods is not None else UNKNOWN_PLACEMENT,
            window_seconds=window_seconds,
            sleep=time.sleep if is_live else _no_time_passes,
        )
        return MachineReport(state=state, software=software.window())
    finally:
        software.close()


def _no_time_passes(seconds: float) -> None:
    """A recording has waited already."""


def run(
    settings: AgentSettings,
    *,
    stop: Event | None = None,
    sink: VectorSink | None = None,
    origin_of: Callable[[AgentSettings], Origin] = origin_of,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Measure this machine until SIGTERM, SIGINT or ``stop``; events go to standard error.

    NodeStates go to the API server where this is a pod with a service account, else into the state directory. Where the
    settings name them, vectors go to ingest, models come from the model server, and metrics are served.

    Args:
        settings: of the node.
        stop: ends it, besides the signals.
        sink: takes the vectors where the settings name no ingest.
        origin_of: from settings to topology and sources.
        environment: of the process.

    Raises:
        AgentError: the state directory can't be made, a recording not be replayed, a server's address not be used.
    """
    log.to_standard_error()
    raise_descriptor_limit()
    _make(settings.state_directory)
    troubles, figures, supervisor = Troubles(), Figures(), Supervisor.of(environment)
    with (
        stopped_by_signals(stop or Event()) as stopped,
        _publisher(settings, environment) as publisher,
        closing(_Parts()) as parts,
    ):
        pacing = Pacing(node=settings.node, heartbeat_seconds=settings.heartbeat_seconds)
        outlet = parts.take(Outlet(publisher, pacing=pacing, troubles=troubles))
        delivery = parts.take(_delivery(settings, settings.ingest_url, troubles)) if settings.ingest_url else None
        fetch = parts.take(_fetch(settings, settings.model_url, troubles)) if settings.model_url else None
        surroundings = Surroundings(
            outlet=outlet,
            model=ChampionModel(settings.state_directory, troubles=troubles),
            troubles=troubles,
            figures=figures,
            supervisor=supervisor,
            pods=PodWatch(PodCgroups(settings.roots.cgroup), troubles),
            sink=delivery or sink,
            origin_of=origin_of,
        )
        agent = Agent(settings, surroundings)
        if (address := settings.listen_address) is not None:
            from agent.status import status_server  # noqa: PLC0415 - tables and sockets, where somebody listens alone

            server = status_server(address, agent=agent, surroundings=surroundings, delivery=delivery, fetch=fetch)
            parts.take(server).start()
            log.info("listening", host=address[0], port=server.port)
        for part in (delivery, fetch):
            if part is not None:
                part.start()
        agent.run(stopped)
        supervisor.stopping()
    log.info("stopped", node=settings.node)


class _Part(Protocol):
    def close(self) -> None:
        """End, whatever it is waiting for."""


_PartT = TypeVar("_PartT", bound=_Part)


class _Parts:
    """What runs beside the loop. All of it is closed at once, since each may wait a second for a request that hangs."""

    def __init__(self) -> None:
        self._taken: list[_Part] = []

    def take(self, part: _PartT) -> _PartT:
        """Close it with the others."""
        self._taken.append(part)
        return part

    def close(self) -> None:
        """Close all of them."""
        threads = [Thread(target=part.close, name="closing", daemon=True) for part in self._taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


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


def _delivery(settings: AgentSettings, url: str, troubles: Troubles) -> Delivery:
    return Delivery(
        Spool(settings.state_directory / SPOOL, troubles=troubles, limit_bytes=settings.spool_bytes),
        client=HttpClient(Server(url=url, ca_file=settings.ca_file), timeout_seconds=ANSWER_SECONDS),
        troubles=troubles,
        node=settings.node,
    )


def _fetch(settings: AgentSettings, url: str, troubles: Troubles) -> ModelFetch:
    return ModelFetch(
        Server(url=url, ca_file=settings.ca_file),
        settings.state_directory,
        troubles=troubles,
        poll_seconds=settings.model_poll_seconds,
    )
