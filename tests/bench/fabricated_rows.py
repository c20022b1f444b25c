"""Labelled traces and the vectors beside them, a million of them in seconds: straight into columns, no objects made.

They keep the contracts: every value within its range, windows that follow one another, ``before`` the vector of the
window before. Nothing of it was measured or simulated, and nothing is to be learnt from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier, WorkloadProfile
from contracts.trace_arrow import arrow_schema
from contracts.vector import FloatArray
from contracts.vector_arrow import arrow_schema as vector_schema
from eval.campaign.store import VECTORS_FILE
from feature_repo.vector_columns import VectorColumns
from pipelines.dataset import PROFILES_FILE, TRACES_FILE

WINDOW_NS = 10_000_000_000
START_NS = 1_772_323_200 * 1_000_000_000
"""2026-03-01T00:00:00Z, when the first vectors' windows begin."""
DOMAINS = ("socket0", "socket1")
ROWS_A_BLOCK = 20_000

_WIDTH = len(FEATURE_SCHEMA_V1)
_MINIMA, _MAXIMA = (
    np.array([getattr(spec, end) for spec in FEATURE_SCHEMA_V1.features], np.float32) for end in ("minimum", "maximum")
)
_MISSING_SHARE = 0.2
_KEYS = ("upf", "firewall", "amf", "batch", "smf")
_BEFORE_ALL = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Some nodes with all their windows.

    Attributes:
        nodes: their names.
        values: float32 ``(nodes, domains, windows + 1, features)``, NaN where missing; the first window has no row.
    """

    nodes: tuple[str, ...]
    values: FloatArray

    @property
    def windows(self) -> int:
        """Windows with a row, of each domain."""
        return int(self.values.shape[2]) - 1

    @property
    def rows(self) -> int:
        """How many labelled traces it has."""
        return len(self.nodes) * len(DOMAINS) * self.windows

    def vectors(self) -> VectorColumns:
        """All vectors, the first windows' too."""
        windows = self.windows + 1
        nodes, domains, starts_ns = _keys(self.nodes, windows=windows, first=0)
        return VectorColumns(
            nodes=nodes,
            domains=domains,
            starts_ns=starts_ns.tolist(),
            lengths_ns=[WINDOW_NS] * len(nodes),
            values=self.values.reshape(-1, _WIDTH),
        )

    def traces(self, profiles: tuple[WorkloadProfile, ...]) -> pa.Table:
        """One labelled trace a domain and window: each workload in turn, and the next one came."""
        nodes, domains, starts_ns = _keys(self.nodes, windows=self.windows, first=1)
        victims = np.arange(self.rows) % len(profiles)
        others = (victims + 1) % len(profiles)
        columns = {
            "node": nodes,
            "domain": domains,
            "window_start_ns": starts_ns,
            "window_length_ns": np.full(self.rows, WINDOW_NS),
            "feature_schema": _same(FEATURE_SCHEMA_V1.digest, self.rows),
            "before": _vectors(self.values[:, :, :-1]),
            "during": _vectors(self.values[:, :, 1:]),
            "victim": _parties(profiles, victims),
            "co_runners": pa.ListArray.from_arrays(
                np.arange(self.rows + 1, dtype=np.int32), _parties(profiles, others)
            ),
            "latest_arrival": [profiles[place].key for place in others],
            "victim_arrived_last": _same(value=False, count=self.rows),
            "injected": [[]] * self.rows,
            "indicator": _same("throughput", self.rows),
            "alone": _same(10.0, self.rows),
            "together": _same(8.0, self.rows),
            "slowdown": _same(1.25, self.rows),
            "censored": _same(False, self.rows),
            "pressed": [[]] * self.rows,
            "provenance": _same("rule", self.rows),
            "campaign": _same("fabricated", self.rows),
            "simulated": _same(True, self.rows),
        }
        schema = arrow_schema()
        return pa.table({name: _as(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def block_of(nodes: Sequence[str], *, windows: int, random: np.random.Generator) -> Block:
    """Nodes whose domains have so many windows with a row, and one before them."""
    shape = (len(nodes), len(DOMAINS), windows + 1, _WIDTH)
    values = np.clip(_MINIMA + (_MAXIMA - _MINIMA) * random.random(shape, np.float32), _MINIMA, _MAXIMA)
    values[random.random(shape, np.float32) < _MISSING_SHARE] = np.nan
    return Block(nodes=tuple(nodes), values=values)


def blocks(rows: int, *, windows: int = 100) -> Iterator[Block]:
    """So many rows, node after node.

    Args:
        rows: a multiple of ``windows`` times the domains of a node.
        windows: with a row, of each domain.
    """
    names = [f"node-{place:05d}" for place in range(rows // (len(DOMAINS) * windows))]
    at_once = max(1, ROWS_A_BLOCK // (len(DOMAINS) * windows))
    random = np.random.default_rng(1)
    for first in range(0, len(names), at_once):
        yield block_of(names[first : first + at_once], windows=windows, random=random)


def fabricated_profiles() -> tuple[WorkloadProfile, ...]:
    """Of the workloads that rows name, last seen before the first row."""
    middle = ((_MINIMA + _MAXIMA) / 2).tolist()
    return tuple(
        WorkloadProfile(
            key=key,
            tier=Tier.COUNTERS,
            solo=tuple(middle),
            first_seen=_BEFORE_ALL,
            last_seen=_BEFORE_ALL,
            simulated=True,
        )
        for key in _KEYS
    )


def write_traces(directory: Path, rows: int) -> None:
    """Rows, their profiles and the vectors beside them, as they are sent to be validated."""
    directory.mkdir(parents=True, exist_ok=True)
    profiles = fabricated_profiles()
    (directory / PROFILES_FILE).write_bytes(b"".join(profile.to_json() + b"\n" for profile in profiles))
    with (
        pq.ParquetWriter(directory / TRACES_FILE, arrow_schema(), compression="zstd") as traces,
        pq.ParquetWriter(directory / VECTORS_FILE, vector_schema(), compression="zstd") as vectors,
    ):
        for block in blocks(rows):
            traces.write_table(block.traces(profiles))
            vectors.write_table(_contract_rows(block.vectors()))


def _contract_rows(vectors: VectorColumns) -> pa.Table:
    """Vectors as the contract's Arrow form has them."""
    schema, rows = vector_schema(), vectors.rows()
    starts = rows.column("window_start_ns").cast(schema.field("window_start").type)
    columns = {name: starts if name == "window_start" else rows.column(name) for name in schema.names}
    return pa.table(columns, schema=schema)


def _keys(nodes: tuple[str, ...], *, windows: int, first: int) -> tuple[list[str], list[str], NDArray[np.int64]]:
    """Node, domain and window's start of each, window after window, domain after domain, node after node."""
    each = len(DOMAINS) * windows
    starts_ns = START_NS + WINDOW_NS * np.arange(first, first + windows, dtype=np.int64)
    return (
        [node for node in nodes for _ in range(each)],
        [domain for domain in DOMAINS for _ in range(windows)] * len(nodes),
        np.tile(starts_ns, len(nodes) * len(DOMAINS)),
    )


def _vectors(values: FloatArray) -> pa.Array:
    flat = values.reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32(), mask=np.isnan(flat)), _WIDTH)


def _parties(profiles: tuple[WorkloadProfile, ...], places: NDArray[np.intp]) -> pa.Array:
    kinds = arrow_schema().field("victim").type
    parties = [{"key": each.key, "profile": each.digest, "group": each.key} for each in profiles]
    return pa.array(parties, kinds).take(pa.array(places))


def _same(value: object, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


def _as(column: object, kind: pa.DataType) -> pa.Array:
    return column.cast(kind) if isinstance(column, pa.Array) else pa.array(column, kind)
