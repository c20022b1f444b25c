"""Wires the extender: the state directory's sources, what runs beside the requests, and the server."""

import asyncio
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from scheduler_extender import directory, log
from scheduler_extender.api_server import ApiServer
from scheduler_extender.app import create_app
from scheduler_extender.cluster import Cluster
from scheduler_extender.errors import ExtenderError
from scheduler_extender.intake import Intake
from scheduler_extender.profile_follower import follow_profiles, refuse_foreign_url
from scheduler_extender.right_of_way import RightOfWay
from scheduler_extender.service import Clock, Extender, utc_now
from scheduler_extender.settings import ExtenderSettings, read_settings
from scheduler_extender.sources import Silence
from scheduler_extender.watch import keep_up
from serving.registry_watch import follow_registry

TRACKING_URI = "MLFLOW_TRACKING_URI"
"""MLflow's own variable; where it is set, the champion is the one that the registry's alias names."""

_LAST_REQUESTS_SECONDS = 10
_IDLE_SECONDS = 120
"""How long a connection may lie idle. kube-scheduler drops its own after 90 s (``SetTransportDefaults`` in
``k8s.io/apimachinery/pkg/util/net/http.go``); one that is dropped here while it asks would cost it that request."""
_SWITCH_SECONDS = 0.0005
"""How long a thread that reads from the API server may hold the interpreter while a request waits; Python's own 5 ms
would show in every latency."""


def build_extender(
    state: Path,
    settings: ExtenderSettings | None = None,
    *,
    clock: Clock = utc_now,
    following: bool = False,
) -> Extender:
    """An extender on a state directory, which has looked at it once; call ``refresh`` to let it look again.

    Args:
        state: may be empty, or not be there: the extender then answers neutrally.
        settings: those of the state directory where absent.
        clock: UTC now.
        following: nodes, NodeStates and pods come from the API server, see ``scheduler_extender.watch``, and not from
            the state directory.

    Raises:
        ExtenderError: the settings can't be used.
    """
    intake = Intake(
        nodes=Silence(),
        node_states=Silence() if following else directory.node_states(state),
        pods=Silence() if following else directory.pods(state),
        profiles=directory.profiles(state),
        observed=directory.observed(state),
        champion=directory.DirectoryChampion(state),
    )
    extender = Extender(intake=intake, settings=settings or read_settings(state), clock=clock)
    extender.refresh()
    return extender


def serve(
    *,
    state: Path,
    port: int,
    host: str = "0.0.0.0",  # noqa: S104 - kube-scheduler is another pod
    api_server: ApiServer | None = None,
    profiles_url: str = "",
    debugging: bool = False,
) -> None:
    """Answer kube-scheduler until a signal comes; requests under way are answered first.

    Args:
        state: the state directory; made where it is not there.
        port: to listen on; 0 takes a free one, which the log names.
        host: the address to listen on: all by default, since a Service leads here. There is nothing to be had but
            scores; the manifests' network policy says who may ask.
        api_server: whose nodes, NodeStates and pods are followed; the state directory's where absent.
        profiles_url: of ingest, whose profiles are followed; the state directory's alone where empty.
        debugging: log a line for each pod that is placed.

    Raises:
        ExtenderError: the state directory, its settings, the URL, or the port can't be used.
    """
    if profiles_url:
        refuse_foreign_url(profiles_url)
    log.to_standard_error(debugging=debugging)
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExtenderError(f"{state} can't be used as state: {error.strerror}; name a directory") from error
    cluster = None if api_server is None else Cluster(api_server)
    extender = build_extender(state, following=cluster is not None)
    listening = bound(host, port)
    address, free_port = listening.getsockname()[:2]
    followed = "" if api_server is None else api_server.url
    log.info(
        "listening",
        address=address,
        port=free_port,
        state=str(state),
        api_server=followed,
        mode=extender.health().mode,
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()
    server = server_of(
        extender, state, tracking_uri=os.environ.get(TRACKING_URI, ""), profiles_url=profiles_url, cluster=cluster
    )
    with listening, suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def server_of(
    extender: Extender,
    state: Path,
    *,
    tracking_uri: str = "",
    profiles_url: str = "",
    cluster: Cluster | None = None,
) -> uvicorn.Server:
    """One worker on uvloop and httptools; it looks at the state directory, and at the registry, beside the requests.

    Args:
        extender: answers.
        state: what to look at.
        tracking_uri: of MLflow; empty where there is no registry.
        profiles_url: of ingest, ``http://host:port``; empty where no feature store is followed.
        cluster: the API server's objects, where the extender follows one.
    """

    way = RightOfWay()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        beside = [asyncio.create_task(keep_up(extender, state, stop, way=way, cluster=cluster))]
        if tracking_uri:
            registry = follow_registry(
                state,
                stop,
                tracking_uri=tracking_uri,
                period_seconds=extender.settings.registry_seconds,
                heard=extender.heard_from_registry,
            )
            beside.append(asyncio.create_task(registry))
        if profiles_url:
            profiles = follow_profiles(
                state,
                stop,
                url=profiles_url,
                period_seconds=extender.settings.profiles_seconds,
                heard=extender.heard_from_feature_store,
            )
            beside.append(asyncio.create_task(profiles))
        for task in beside:
            task.add_done_callback(_say_why_it_ended)
        yield
        stop.set()
        await asyncio.wait(beside)

    return uvicorn.Server(
        uvicorn.Config(
            create_app(extender, way=way, lifespan=lifespan, cluster=cluster),
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens on the address; whoever connects before the server is up waits for it.

    Raises:
        ExtenderError: it can't be had.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise ExtenderError(
            f"can't listen on {host} port {port}: {error.strerror}; name another --host or --port"
        ) from error
    return listening


def _say_why_it_ended(task: asyncio.Task[None]) -> None:
    """Without the watch the states age, and nodes score neutrally in the end; /healthz says since when."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("watch-ended", error=error, reason="nothing new is taken in any more: restart the extender")
