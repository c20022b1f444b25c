"""Fits on a Dask cluster: each worker holds some of the rows, and all grow the same trees (``xgboost.dask``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
from distributed import Client, Future

from pipelines.boosting import Ensemble, FitRows
from pipelines.dask_workers import with_all_workers
from pipelines.errors import EngineError

if TYPE_CHECKING:
    from xgboost import Booster

_CONNECT_SECONDS = 60
"""So long a worker waits for the others of a fit."""


class DaskBoosting:
    """Fits ensembles on a cluster, one at a time: each takes all workers.

    Args:
        client: of the cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._alone = Lock()

    def __call__(self, rows: FitRows, ensemble: Ensemble) -> Booster:
        """Hand each worker its share of the rows, and fit.

        Raises:
            EngineError: no worker is there, one was lost, or one refused the fit.
        """

        async def shared_and_fitted(workers: Sequence[str]) -> Booster:
            shares = [
                await self._client.scatter(share, workers=[worker], hash=False)
                for worker, share in zip(workers, _shares(rows, len(workers)), strict=False)
            ]
            return await fitted_on(self._client, shares, ensemble)

        with self._alone:
            return with_all_workers(self._client, shared_and_fitted)


async def fitted_on(client: Client, shares: Sequence[Future], ensemble: Ensemble) -> Booster:
    """Fit on rows that workers hold.

    Args:
        client: of the cluster, on whose loop this runs.
        shares: each a ``FitRows`` with at least one row, all with a weight or all without.
        ensemble: what to fit.

    Raises:
        EngineError: a worker refused the fit.
    """
    from xgboost import dask as on_dask  # noqa: PLC0415
    from xgboost.collective import Config  # noqa: PLC0415
    from xgboost.core import XGBoostError  # noqa: PLC0415

    shapes = await client.gather(client.map(_shape_of, shares, pure=False))
    weighted = await client.submit(_has_weight, shares[0], pure=False)
    lengths = [shape[:1] for shape in shapes]
    try:
        data = await on_dask.DaskQuantileDMatrix(
            client,
            _together(client, shares, "matrix", shapes),
            _together(client, shares, "target", lengths),
            weight=_together(client, shares, "weight", lengths) if weighted else None,
        )
        fitted = await on_dask.train(
            client,
            {name: value for name, value in ensemble.parameters.items() if name != "nthread"},
            data,
            ensemble.trees,
            obj=ensemble.objective,
            coll_cfg=Config(timeout=_CONNECT_SECONDS),
        )
    except XGBoostError as error:
        said = str(error).splitlines()[0]
        raise EngineError(
            f"a worker of the Dask cluster refused a fit, or lost another: {said}; see the workers' logs"
        ) from error
    booster: Booster = fitted["booster"]
    return booster


def _shares(rows: FitRows, count: int) -> Iterator[FitRows]:
    """Every ``count``-th row each, so that each worker sees what all see; none is empty."""
    for first in range(min(count, len(rows.target))):
        yield FitRows(
            matrix=rows.matrix[first::count],
            target=rows.target[first::count],
            weight=None if rows.weight is None else rows.weight[first::count],
        )


def _together(client: Client, shares: Sequence[Future], name: str, shapes: Sequence[tuple[int, ...]]) -> da.Array:
    """One column of all shares, where they lie."""
    kind = np.float32 if name == "matrix" else np.float64
    pieces = [
        da.from_delayed(client.submit(getattr, share, name, pure=False), shape, kind)
        for share, shape in zip(shares, shapes, strict=True)
    ]
    return da.concatenate(pieces)


def _shape_of(share: FitRows) -> tuple[int, ...]:
    return share.matrix.shape


def _has_weight(share: FitRows) -> bool:
    return share.weight is not None
