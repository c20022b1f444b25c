"""Where fits are made and vectors are checked: in this process, or on a Dask cluster.

It is no part of ``TrainingSettings``: it decides how a training is made, not which one. On a cluster each worker counts
its own rows into histograms, so models differ in their last bits, and figures agree within noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from contracts.model import Document
from pipelines.boosting import Boosting, boosted_here
from pipelines.errors import EngineError

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_SECONDS = "5s"
_WORKERS = 2


class EngineName(StrEnum):
    """Who does the work."""

    LOCAL = "local"
    DASK = "dask"


class Engine(Document):
    """An engine as pipelines are told it, as JSON.

    Attributes:
        name: who does the work.
        scheduler: of a Dask cluster, as ``tcp://host:8786``; without one, processes on this machine.
        workers: how many processes these are; two unless said.
    """

    name: EngineName = EngineName.LOCAL
    scheduler: str | None = None
    workers: Annotated[int, Field(ge=1, le=256)] | None = None

    @model_validator(mode="after")
    def _options_fit(self) -> Engine:
        if self.name is EngineName.LOCAL and (self.scheduler, self.workers) != (None, None):
            raise ValueError("a scheduler or workers are of the dask engine: name it as well")
        if self.scheduler is not None and self.workers is not None:
            raise ValueError("a scheduler has workers of its own: give it or a number of them, not both")
        return self


LOCAL = Engine()


@contextmanager
def client_of(engine: Engine) -> Iterator[Client]:
    """A client of the engine's cluster; processes on this machine end with it.

    Raises:
        EngineError: no scheduler answers.
    """
    from distributed import Client, LocalCluster  # noqa: PLC0415

    if engine.scheduler is not None:
        try:
            client = Client(engine.scheduler, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise EngineError(f"no Dask scheduler answers at {engine.scheduler}: start it, or name another") from error
        with client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=engine.workers or _WORKERS,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,  # a worker above its share of the machine would be paused, and all wait for it
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def boosting_of(engine: Engine) -> Iterator[Boosting]:
    """Who fits.

    Raises:
        EngineError: as ``client_of``.
    """
    if engine.name is EngineName.LOCAL:
        yield boosted_here
        return
    with client_of(engine) as client:
        from pipelines.dask_boosting import DaskBoosting  # noqa: PLC0415

        yield DaskBoosting(client)
