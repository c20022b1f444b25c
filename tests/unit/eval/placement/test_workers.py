import os
from functools import partial

import pytest

from eval.placement.workers import workers


def threads_and(number: int) -> tuple[str | None, int]:
    if number < 0:
        raise ValueError(f"{number} is below zero")
    return os.environ.get("OMP_NUM_THREADS"), number * number


def test_one_worker_is_this_process_and_keeps_the_order() -> None:
    with workers(1) as pool:
        assert list(pool.each({key: partial(threads_and, key) for key in (3, 1, 2)})) == [
            (key, threads_and(key)) for key in (3, 1, 2)
        ]


def test_processes_of_their_own_have_one_thread_each_and_serve_more_than_once() -> None:
    with workers(2) as pool:
        for keys in ((1, 2, 3), (4,)):
            found = dict(pool.each({key: partial(threads_and, key) for key in keys}))
            assert found == {key: ("1", key * key) for key in keys}


def test_an_error_comes_through() -> None:
    with workers(2) as pool, pytest.raises(ValueError, match="-1 is below zero"):
        list(pool.each({"one": partial(threads_and, -1)}))
