"""A small set of good rows, as a laboratory would send them, and ways to spoil them."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier, WorkloadProfile
from contracts.slowdown import IndicatorKind
from contracts.trace import LabelledTrace, Party, Provenance
from contracts.trace_arrow import arrow_schema, to_arrow
from contracts.vector import FeatureVector, to_json_values
from contracts.vector_arrow import to_arrow as vectors_to_arrow
from eval.campaign.store import VECTORS_FILE
from pipelines.dataset import PROFILES_FILE, TRACES_FILE

START_NS = 1_767_225_600_000_000_000
WINDOW_NS = 10_000_000_000
BEGAN = datetime(2025, 12, 1, tzinfo=UTC)

Spoil = Callable[[list[dict[str, Any]]], object]
"""Changes rows as Arrow holds them."""


def vector(place: int, *, domain: str = "socket0") -> FeatureVector:
    """The vector of one window, unlike that of any other."""
    values = np.full(len(FEATURE_SCHEMA_V1), np.nan, dtype=np.float32)
    values[:12] = np.linspace(0.1, 0.2, 12) + 0.0001 * place
    return FeatureVector(
        node="lab-1",
        domain=domain,
        window_start_ns=START_NS + place * WINDOW_NS,
        window_length_ns=WINDOW_NS,
        values=values,
    )


def profile(key: str, **changes: Any) -> WorkloadProfile:
    """What is known of a workload."""
    known = {
        "key": key,
        "tier": Tier.COUNTERS,
        "solo": tuple(to_json_values(vector(len(key)).values)),
        "first_seen": BEGAN,
        "last_seen": BEGAN,
    }
    return WorkloadProfile.model_validate(known | changes)


KEYS = ("upf", "firewall", "amf", "batch", "smf")
PROFILES = tuple(profile(key) for key in KEYS)


def party(key: str) -> Party:
    """A workload whose group is its key."""
    return Party(key=key, profile=PROFILES[KEYS.index(key)].digest, group=key)


def row(place: int, *, victim: str = "upf", other: str = "firewall", domain: str = "socket0") -> LabelledTrace:
    """The victim was there, and the other one came."""
    return LabelledTrace(
        node="lab-1",
        domain=domain,
        window_start_ns=START_NS + place * WINDOW_NS,
        window_length_ns=WINDOW_NS,
        before=tuple(to_json_values(vector(place - 1, domain=domain).values)),
        during=tuple(to_json_values(vector(place, domain=domain).values)),
        victim=party(victim),
        co_runners=(party(other),),
        latest_arrival=other,
        victim_arrived_last=False,
        indicator=IndicatorKind.THROUGHPUT,
        alone=10.0,
        together=8.0,
        slowdown=1.25,
        provenance=Provenance.RULE,
        campaign="lab",
        simulated=False,
    )


def rows() -> tuple[LabelledTrace, ...]:
    """Eight windows on one socket, the first with two victims, then four on the other."""
    first = (row(0), row(0, victim="firewall", other="upf").model_copy(update={"latest_arrival": "upf"}))
    more = (row(place, victim=KEYS[place % 3], other=KEYS[3 + place % 2]) for place in range(1, 8))
    return (*first, *more, *(row(place, domain="socket1") for place in range(4)))


def write(
    directory: Path,
    *,
    traces: Sequence[LabelledTrace] | None = None,
    profiles: Sequence[WorkloadProfile] = PROFILES,
    spoil: Spoil | None = None,
    vectors: bool = True,
    rows_a_group: int | None = None,
) -> Path:
    """Write a set as it is to be sent."""
    directory.mkdir(exist_ok=True)
    good = rows() if traces is None else traces
    (directory / PROFILES_FILE).write_bytes(b"".join(each.to_json() + b"\n" for each in profiles))
    if vectors:
        known = [vector(place, domain=domain) for domain in ("socket0", "socket1") for place in range(-1, 8)]
        pq.write_table(vectors_to_arrow(known), directory / VECTORS_FILE)
    table = to_arrow(good)
    if spoil is not None:
        plain = table.to_pylist()
        spoil(plain)
        table = pa.Table.from_pylist(plain, schema=arrow_schema())
    pq.write_table(table, directory / TRACES_FILE, row_group_size=rows_a_group)
    return directory


def refused(directory: Path) -> list[dict[str, Any]]:
    """What a validation wrote of refused rows."""
    return [json.loads(line) for line in (directory / "refused.jsonl").read_text(encoding="utf-8").splitlines()]
