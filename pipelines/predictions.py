"""What models said of workloads that they had never seen, as arrays and as Parquet.

<directory>/bounds.parquet     one row a held-out workload group, trace and tier
<directory>/regimes.parquet    one row a held-out workload group and window
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.axis import AXES
from pipelines.errors import DataError

PREDICTIONS = "predictions"
"""Where in a training's output, and in its run, the tables lie."""

BOUNDS_FILE = "bounds.parquet"
REGIMES_FILE = "regimes.parquet"
_FORMAT_KEY = b"leeward.held_out_predictions"
_FORMAT = b"2"
_OF_AXES = ("pressed", "probability", "said")
"""Attributes of ``HeldOutRegimes`` with a column an axis."""


class HeldOutKind(StrEnum):
    """How a workload was unseen: as the victim, or as a co-runner of a victim that training knew."""

    UNSEEN_VICTIM = "unseen-victim"
    UNSEEN_CO_RUNNER = "unseen-co-runner"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutBounds:
    """Bounds of slowdowns; arrays of one length ``n``.

    Attributes:
        group: str, the workload group that the models had not seen.
        kind, tier: str, of ``HeldOutKind`` and ``contracts.profile.Tier``.
        trace: int, position of the trace in the dataset.
        slowdown, censored: float64 and bool, as measured; a censored slowdown lies at the ceiling or above.
        median, upper: float64, the middle prediction and the bound, as serving would give them.
        beyond_training: bool, a pressure lay beyond what training saw, so the bound is the ceiling.
    """

    group: NDArray[np.str_]
    kind: NDArray[np.str_]
    tier: NDArray[np.str_]
    trace: NDArray[np.int64]
    slowdown: NDArray[np.float64]
    censored: NDArray[np.bool_]
    median: NDArray[np.float64]
    upper: NDArray[np.float64]
    beyond_training: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.group)

    def only(self, chosen: NDArray[np.bool_]) -> "HeldOutBounds":
        """The rows that are chosen by bool ``(n,)``."""
        return HeldOutBounds(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @property
    def held(self) -> NDArray[np.bool_]:
        """bool ``(n,)``, whether the bound held. Of a starved victim, whose slowdown has no number, it held only where
        it is the ceiling, which promises nothing."""
        return np.asarray(self.slowdown <= self.upper)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutRegimes:
    """Probabilities of axes; arrays of one length ``n``, and of ``len(AXES)`` columns where two-dimensional.

    Attributes:
        group: str, the workload group that the models had not seen.
        trace: int, position of the window's first trace in the dataset.
        provenance: str, of the label.
        regime: str, the contract's word for the window.
        pressed: float64 ``(n, axes)``, the label: 1, 0, or NaN where nobody can say.
        probability: float64 ``(n, axes)``, NaN of an axis that is not judged.
        said: float64 ``(n, axes)``, what its bundle's thresholds make of it: 1 pressed, 0 clear, 0.5 undecided, or NaN.
    """

    group: NDArray[np.str_]
    trace: NDArray[np.int64]
    provenance: NDArray[np.str_]
    regime: NDArray[np.str_]
    pressed: NDArray[np.float64]
    probability: NDArray[np.float64]
    said: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutPredictions:
    """All that was said of workloads never seen.

    Attributes:
        rate: that the bounds are stated at.
        bounds, regimes: what was said.
    """

    rate: float
    bounds: HeldOutBounds
    regimes: HeldOutRegimes

    @property
    def groups(self) -> tuple[str, ...]:
        """Workload groups that were held out, sorted."""
        return tuple(sorted({*self.bounds.group.tolist(), *self.regimes.group.tolist()}))


def write_predictions(predictions: HeldOutPredictions, directory: Path) -> None:
    """Write both tables into a directory, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    metadata = {_FORMAT_KEY: _FORMAT, b"rate": repr(predictions.rate).encode()}
    bounds = {field.name: getattr(predictions.bounds, field.name) for field in fields(HeldOutBounds)}
    regimes = {name: getattr(predictions.regimes, name) for name in ("group", "trace", "provenance", "regime")}
    for name in _OF_AXES:
        matrix = getattr(predictions.regimes, name)
        regimes |= {f"{name}.{axis}": matrix[:, column] for column, axis in enumerate(AXES)}
    for file, columns in ((BOUNDS_FILE, bounds), (REGIMES_FILE, regimes)):
        pq.write_table(pa.table(columns).replace_schema_metadata(metadata), directory / file, compression="zstd")


def read_predictions(directory: Path) -> HeldOutPredictions:
    """Read both tables.

    Raises:
        DataError: a table is missing, torn, or of another format.
    """
    try:
        bounds, regimes = (pq.read_table(directory / file) for file in (BOUNDS_FILE, REGIMES_FILE))
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise DataError(f"held-out predictions in {directory} are missing or torn: {error}; train again") from error
    metadata = bounds.schema.metadata or {}
    if metadata.get(_FORMAT_KEY) != _FORMAT or not {f"pressed.{axis}" for axis in AXES} <= set(regimes.schema.names):
        raise DataError(f"{directory} holds no held-out predictions of format {_FORMAT.decode()}: train again")
    return HeldOutPredictions(
        rate=float(metadata[b"rate"]),
        bounds=HeldOutBounds(**{field.name: _array(bounds, field.name) for field in fields(HeldOutBounds)}),
        regimes=HeldOutRegimes(
            group=_array(regimes, "group"),
            trace=_array(regimes, "trace"),
            provenance=_array(regimes, "provenance"),
            regime=_array(regimes, "regime"),
            **{name: np.column_stack([_array(regimes, f"{name}.{axis}") for axis in AXES]) for name in _OF_AXES},
        ),
    )


def _array(table: pa.Table, name: str) -> NDArray[Any]:
    column = table.column(name)
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), dtype=np.str_)
    return np.asarray(column.to_numpy(zero_copy_only=False))
