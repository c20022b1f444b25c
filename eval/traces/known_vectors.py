"""Vectors beside the rows: a row's ``during`` is among them, and its ``before`` was measured before the window began.

Memory: three integers a vector.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import LARGEST_NS, LONGEST_DOMAIN_NAME, LONGEST_NODE_NAME, FloatArray
from contracts.vector_arrow import KEY_FIELDS, arrow_schema, from_arrow
from eval.traces.errors import DatasetError
from eval.traces.row_check import RowError
from eval.traces.rows_together import PlainTrace
from eval.traces.vectors_together import plain_values, within_ranges

LATE_BEFORE = "before is later than during"
UNKNOWN_VECTOR = "vector not among those beside the rows"
_AT_ONCE = 4096


class KnownVectors:
    """An index of vectors by what they say and when."""

    def __init__(self, table: NDArray[np.uint64]) -> None:
        """Index vectors: uint64 ``(n, 3)``, hash of node, domain and values, the same with the window, its end."""
        self._windows: NDArray[np.uint64] = np.sort(table[:, 1])
        order = np.lexsort((table[:, 2], table[:, 0]))
        self._contents, self._ends = table[order, 0], table[order, 2]

    def check(self, trace: PlainTrace) -> None:
        """Refuse a row whose vectors are not those that were measured.

        Raises:
            RowError: says which, and whether it is later than it may be.
        """
        during = _window_hash(trace.node, trace.domain, trace.window_start_ns, trace.window_length_ns, trace.during)
        place = int(np.searchsorted(self._windows, np.uint64(during)))
        if place == len(self._windows) or int(self._windows[place]) != during:
            raise RowError(
                UNKNOWN_VECTOR,
                f"no vector of {trace.node}/{trace.domain} at {trace.window_start_ns} ns is its during",
                "write rows and vectors of one measurement",
            )
        content = _content_hash(trace.node, trace.domain, trace.before)
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

    What pyarrow reads ahead (``pre_buffer``) it would keep until the file's end.

    Raises:
        DatasetError: one is torn, of another schema, or a vector breaks the contract.
    """
    keys: array[int] = array("Q")
    for path in paths:
        try:
            for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(batch_size=_AT_ONCE):
                keys.extend(chain.from_iterable(_keys(pa.Table.from_batches([batch]))))
        except (pa.ArrowInvalid, OSError, ContractError) as error:
            raise DatasetError(f"vectors {path.name}: {error}; mend the file, or take it away to do without") from error
    return KnownVectors(np.frombuffer(keys, np.uint64).reshape(-1, 3))


def _keys(table: pa.Table) -> Iterator[tuple[int, int, int]]:
    """Of each vector the hash of what it says, the same with its window, and its window's end.

    Raises:
        ContractError: one breaks the contract.
    """
    if not _are_lawful(table):
        from_arrow(table)
    starts = table.column("window_start").cast(pa.int64()).to_pylist()
    names = (table.column(name).to_pylist() for name in ("node", "domain", "window_length_ns"))
    for node, domain, length, start, values in zip(*names, starts, plain_values(_values(table)), strict=True):
        yield _content_hash(node, domain, values), _window_hash(node, domain, start, length, values), start + length


def _are_lawful(table: pa.Table) -> bool:
    """Whether all vectors surely keep the contract."""
    if not table.schema.equals(arrow_schema(), check_metadata=True):
        return False
    if any(table.column(field.name).null_count for field in KEY_FIELDS):
        return False
    starts = table.column("window_start").cast(pa.int64()).to_numpy()
    lengths = table.column("window_length_ns").to_numpy()
    in_time = (starts >= 0) & (lengths > 0) & (lengths <= LARGEST_NS - np.maximum(starts, 0))
    named = (
        _named(table.column(name), longest)
        for name, longest in (("node", LONGEST_NODE_NAME), ("domain", LONGEST_DOMAIN_NAME))
    )
    return bool(in_time.all()) and all(named) and bool(within_ranges(_values(table)).all())


def _named(names: pa.ChunkedArray, longest: int) -> bool:
    lengths = pc.utf8_length(names).to_numpy()
    return bool(((lengths > 0) & (lengths <= longest)).all())


def _values(table: pa.Table) -> FloatArray:
    """float32 ``(n, features)``, NaN where missing."""
    return np.column_stack([table.column(name).to_numpy() for name in FEATURE_SCHEMA_V1.names])


def _content_hash(node: str, domain: str, values: bytes) -> int:
    return _hash(f"{node}\0{domain}\0".encode() + values)


def _window_hash(node: str, domain: str, start_ns: int, length_ns: int, values: bytes) -> int:
    return _hash(f"{node}\0{domain}\0{start_ns}\0{length_ns}\0".encode() + values)


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
