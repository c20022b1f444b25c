"""What an agent shows of itself over HTTP: its parts' figures as metrics, and whether it is alive and ready."""

import time

from agent.delivery import Delivery
from agent.health import hanging, unready
from agent.metrics import DELIVERY, LOOP, MODEL_FETCH, PROCESS, PUBLISHING, SETTINGS, TROUBLES, Metrics
from agent.model_fetch import ModelFetch
from agent.own_process import own_process
from agent.run import Agent, Surroundings
from agent.status_server import Status, StatusServer


def status_server(
    address: tuple[str, int],
    *,
    agent: Agent,
    surroundings: Surroundings,
    delivery: Delivery | None,
    fetch: ModelFetch | None,
) -> StatusServer:
    """A server that shows all that can be seen of an agent, not started.

    Args:
        address: host and port to listen on.
        agent, surroundings: what is shown.
        delivery, fetch: shown too where they are there.
    """
    figures, outlet = surroundings.figures, surroundings.outlet
    metrics = Metrics()
    metrics.watch(LOOP, figures.snapshot)
    metrics.watch(SETTINGS, lambda: agent.settings)
    metrics.watch(PUBLISHING, lambda: outlet.figures)
    metrics.watch(TROUBLES, lambda: surroundings.troubles)
    metrics.watch(PROCESS, own_process)
    if delivery is not None:
        metrics.watch(DELIVERY, delivery.figures)
    if fetch is not None:
        metrics.watch(MODEL_FETCH, lambda: fetch.figures)
    status = Status(
        exposition=metrics.exposition,
        hanging=lambda: hanging(figures.snapshot(), agent.settings, now_seconds=time.monotonic()),
        unready=lambda: unready(
            agent.settings,
            published_seconds=outlet.figures.last_written_at_seconds,
            now_seconds=time.monotonic(),
        ),
    )
    return StatusServer(address, status=status, troubles=surroundings.troubles)
