"""Work that takes all workers of a Dask cluster, and ends when one is lost: nothing waits for what is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from distributed import Client

from pipelines.errors import EngineError

_LOOK_SECONDS = 1.0
"""Between two looks at who is there."""

_ANSWER_SECONDS = 30.0
"""So long the scheduler may think about who is there."""

_Result = TypeVar("_Result")


def with_all_workers(client: Client, work: Callable[[Sequence[str]], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run work on the client's loop while all workers are there that were there when it began.

    A worker whose process dies is missed at once, since its connection closes. One whose machine falls silent is missed
    when the scheduler gives it up, after ``distributed.scheduler.worker-ttl``: five minutes unless configured.

    Args:
        client: of the cluster.
        work: takes the workers' addresses, sorted.

    Raises:
        EngineError: there is no worker, one was lost, or the scheduler does not answer any more.
    """
    result: _Result = client.sync(_watched, client, work)
    return result


async def _watched(client: Client, work: Callable[[Sequence[str]], Coroutine[Any, Any, _Result]]) -> _Result:
    workers = await _addresses(client)
    if not workers:
        raise EngineError("the Dask cluster has no worker: start some (dask worker ADDRESS), and train again")
    task = asyncio.ensure_future(work(workers))
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_SECONDS))[0]:
            await _refuse_lost(client, workers)
        if task.cancelled() or task.exception() is not None:
            await asyncio.sleep(
                _LOOK_SECONDS
            )  # the scheduler may hear of a loss after those whom the lost one spoke to
            await _refuse_lost(client, workers)
        return task.result()
    finally:
        task.cancel()


async def _refuse_lost(client: Client, workers: Sequence[str]) -> None:
    lost = sorted(set(workers) - set(await _addresses(client)))
    if lost:
        raise EngineError(
            f"lost {len(lost)} of {len(workers)} workers of the Dask cluster ({', '.join(lost)}), with the rows that "
            "they held: see that workers have enough memory, and train again"
        )


async def _addresses(client: Client) -> Sequence[str]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            identity = await client.scheduler.identity(n_workers=-1)
    except OSError as error:
        raise EngineError(
            "the Dask scheduler does not answer any more: see its log, start it again, and train again"
        ) from error
    return sorted(identity["workers"])
