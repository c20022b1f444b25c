"""Calls beside one another, in processes of their own."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Workers:
    """Runs calls; made by ``workers``."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool

    def each(self, calls: Mapping[K, Callable[[], T]]) -> Iterator[tuple[K, T]]:
        """Outcomes as they come, started in the order given.

        Args:
            calls: to be run; what another process is to run can be pickled.
        """
        if self._pool is None:
            for key, call in calls.items():
                yield key, call()
            return
        futures = {self._pool.submit(call): key for key, call in calls.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _with_one_thread() -> None:
    """Before XGBoost is imported: OpenMP's threads would wait for one another in busy loops, on cores of others."""
    os.environ["OMP_NUM_THREADS"] = "1"


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """So many processes, or this one alone.

    They are spawned, not forked: a fork would copy the locks of numeric libraries' threads.
    """
    if count == 1:
        yield Workers(None)
        return
    with ProcessPoolExecutor(max_workers=count, mp_context=get_context("spawn"), initializer=_with_one_thread) as pool:
        yield Workers(pool)
