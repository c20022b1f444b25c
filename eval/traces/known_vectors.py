"""Vectors beside the rows: a row's ``during`` is among them, and its ``before`` was measured before the window began.

Memory: three integers a vector.
"""

import hashlib
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector, FloatArray
from contracts.vector_arrow import from_arrow
from eval.traces.errors import DatasetError
from eval.traces.row_check import RowError

LATE_BEFORE = "before is later than during"
UNKNOWN_VECTOR = "vector not among those beside the rows"
_AT_ONCE = 1024


class KnownVectors:
    """An index of vectors by what they say and when."""

    def __init__(self, table: NDArray[np.uint64]) -> None:
        """Index vectors: uint64 ``(n, 3)``, hash of node, domain and values, the same with the window, its end."""
        self._windows: NDArray[np.uint64] = np.sort(table[:, 1])
        order = np.lexsort((table[:, 2], table[:, 0]))
        self._contents, self._ends = table[order, 0], table[order, 2]

    def check(self, trace: LabelledTrace) -> None:
        """Refuse a row whose vectors are not those that were measured.

        Raises:
            RowError: says which, and whether it is later than it may be.
        """
        during = _window_hash(
            trace.node, trace.domain, trace.window_start_ns, trace.window_length_ns, trace.during_values
        )
        place = int(np.searchsorted(self._windows, np.uint64(during)))
        if place == len(self._windows) or int(self._windows[place]) != during:
            raise RowError(
                UNKNOWN_VECTOR,
                f"no vector of {trace.node}/{trace.domain} at {trace.window_start_ns} ns is its during",
                "write rows and vectors of one measurement",
            )
        content = _content_hash(trace.node, trace.domain, trace.before_values)
        place = int(np.searchsorted(self._contents, np.uint64(content)))
        if place == len(self._contents) or int(self._contents[place]) != content:
            raise RowError(
                UNKNOWN_VECTOR,
                f"no vector of {trace.node}/{trace.domain} is its before",
                "write rows and vectors of one measurement",
            )
        if int(self._ends[place]) > trace.window_start_ns:
            raise RowError(
                LATE_BEFORE,
                f"its before ends at {int(self._ends[place])} ns, its window begins at {trace.window_start_ns} ns",
                "take the domain's last vector before the latest arrival",
            )


def read_known_vectors(paths: Sequence[Path]) -> KnownVectors:
    """Index files of vectors, a part of each at a time.

    Raises:
        DatasetError: one is torn, of another schema, or a vector breaks the contract.
    """
    keys: array[int] = array("Q")
    for path in paths:
        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=_AT_ONCE):
                for vector in from_arrow(pa.Table.from_batches([batch])):
                    keys.extend(_keys(vector))
        except (pa.ArrowInvalid, OSError, ContractError) as error:
            raise DatasetError(f"vectors {path.name}: {error}; mend the file, or take it away to do without") from error
    return KnownVectors(np.array(keys, dtype=np.uint64).reshape(-1, 3))


def _keys(vector: FeatureVector) -> tuple[int, int, int]:
    where = vector.node, vector.domain
    window = vector.window_start_ns, vector.window_length_ns
    return _content_hash(*where, vector.values), _window_hash(*where, *window, vector.values), vector.window_end_ns


def _content_hash(node: str, domain: str, values: FloatArray) -> int:
    return _hash(f"{node}\0{domain}\0".encode() + _plain(values))


def _window_hash(node: str, domain: str, start_ns: int, length_ns: int, values: FloatArray) -> int:
    return _hash(f"{node}\0{domain}\0{start_ns}\0{length_ns}\0".encode() + _plain(values))


def _plain(values: FloatArray) -> bytes:
    """Equal vectors give equal bytes: one zero, one NaN."""
    return bytes(np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0.0)).tobytes())


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
