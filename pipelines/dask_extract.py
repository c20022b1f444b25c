"""Extraction on a Dask cluster: workers check some rows each against the feature store, which they open themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from distributed import Client, Future, as_completed

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from pipelines.dask_workers import with_all_workers
from pipelines.dataset import TraceDataset
from pipelines.extract import ROWS_A_JOIN, check_together, refuse_unknown_profiles

_AHEAD = 2
"""Partitions that a worker has at hand: one that it checks and the next."""


def extract_on(client: Client, dataset: TraceDataset, state: Path, *, rows_a_join: int = ROWS_A_JOIN) -> TraceDataset:
    """As ``pipelines.extract.extract``, partition by partition on all workers; refuses in the same words.

    Args:
        client: of the cluster.
        dataset: to be checked.
        state: the state directory of a feature store, which every worker can open under this path.
        rows_a_join: rows of a partition.

    Raises:
        DataError, StoreError, ContractError: as ``pipelines.extract.extract``.
        EngineError: there is no worker, or one was lost.
    """
    from feature_repo.profiles import profiles_as_of  # noqa: PLC0415
    from feature_repo.store import open_store  # noqa: PLC0415

    state = state.resolve()

    async def check_all(workers: Sequence[str]) -> None:
        profiles = await client.scatter(dict(dataset.profiles_by_digest), broadcast=True, hash=False)
        partitions = _partitions(dataset.traces, rows_a_join)
        await _check_all(client, partitions, profiles, state, at_once=_AHEAD * len(workers))

    with_all_workers(client, check_all)
    store = open_store(state)
    refuse_unknown_profiles(dataset.profiles, lambda keys: profiles_as_of(store, keys))
    return dataset


async def _check_all(
    client: Client,
    partitions: Iterator[tuple[int, Sequence[LabelledTrace]]],
    profiles: Future,
    state: Path,
    *,
    at_once: int,
) -> None:
    """Raise what the earliest refused partition says, as a check in order would.

    Partitions are handed out a few at a time. All before the refused one were handed out before it, so they are waited
    for.
    """
    running: dict[Future, int] = {}
    refused: dict[int, Future] = {}
    done = as_completed()

    def hand_out() -> None:
        if not refused and (partition := next(partitions, None)) is not None:
            first, traces = partition
            future = client.submit(_check, traces, first, profiles, state, pure=False)
            running[future] = first
            done.add(future)

    for _ in range(at_once):
        hand_out()
    async for future in done:
        first = running.pop(future)
        if future.status == "finished":
            hand_out()
        else:
            refused[first] = future
    if refused:
        await refused[min(refused)]


def _partitions(traces: Sequence[LabelledTrace], rows: int) -> Iterator[tuple[int, Sequence[LabelledTrace]]]:
    for first in range(0, len(traces), rows):
        yield first, traces[first : first + rows]


def _check(traces: Sequence[LabelledTrace], first: int, profiles: Mapping[str, WorkloadProfile], state: Path) -> None:
    from feature_repo.history import vectors_as_of  # noqa: PLC0415
    from feature_repo.store import open_store  # noqa: PLC0415

    store = open_store(state)
    check_together(traces, first=first, profiles=profiles, vectors_as_of=lambda keys: vectors_as_of(store, keys))
