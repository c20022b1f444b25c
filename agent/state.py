"""A NodeState out of what one window showed."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from agent.conditions import conditions_of
from agent.pods import UNKNOWN_PLACEMENT, PodPlacement
from agent.regime import Assessment
from agent.topology import Topology
from agent.troubles import Trouble
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import (
    Condition,
    Coverage,
    DomainState,
    Headroom,
    Metadata,
    NodeState,
    Status,
    Window,
)
from contracts.vector import FeatureVector, to_json_values


def node_state(
    *,
    node: str,
    topology: Topology,
    vectors: Sequence[FeatureVector],
    assessments: Sequence[Assessment],
    coverage: Coverage,
    now: datetime,
    rows_left_out: int = 0,
    bundle_digest: str | None = None,
    pods: PodPlacement = UNKNOWN_PLACEMENT,
    troubles: Sequence[Trouble] = (),
    previous: Sequence[Condition] = (),
) -> NodeState:
    """Put a NodeState together.

    Args:
        node: the node's name.
        topology: the node's domains.
        vectors, assessments: one a domain, in the same order.
        coverage: what could be opened.
        now: the heartbeat, UTC.
        rows_left_out: counter rows that the window could not believe.
        bundle_digest: of the model that judged, if one did.
        pods: where pods live, as far as that can be seen.
        troubles: what else is amiss with the agent.
        previous: the conditions last published.
    """
    domains = tuple(_domain(vector, judged, pods) for vector, judged in zip(vectors, assessments, strict=True))
    status = Status(
        agent_version=agent_version(),
        feature_schema=FEATURE_SCHEMA_V1.digest,
        bundle_digest=bundle_digest,
        heartbeat=now,
        regimes=",".join(domain.regime.value for domain in domains),
        coverage=coverage,
        domains=domains,
        shared_pods=pods.shared,
        omitted_pods=pods.omitted,
        conditions=conditions_of(
            topology=topology,
            coverage=coverage,
            published_vectors=len(vectors),
            rows_left_out=rows_left_out,
            now=now,
            troubles=troubles,
            previous=previous,
        ),
    )
    return NodeState(metadata=Metadata(name=node), status=status)


@cache
def agent_version() -> str:
    """The installed package's version; of code that only lies there, as in the images, what its project file says."""
    try:
        return version("leeward")
    except PackageNotFoundError:
        project = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def utc_from_ns(wall_ns: int) -> datetime:
    """A UTC time to the microsecond.

    >>> utc_from_ns(1_500_000_000).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_ns // 1000)


def _domain(vector: FeatureVector, judged: Assessment, pods: PodPlacement) -> DomainState:
    return DomainState(
        name=vector.domain,
        window=Window(start=utc_from_ns(vector.window_start_ns), end=utc_from_ns(vector.window_end_ns)),
        features=tuple(to_json_values(vector.values)),
        axes=judged.axes,
        regime=judged.judgement.regime,
        headroom=Headroom(
            memory_bandwidth=_left_of(vector, "dram_utilisation"),
            llc_occupancy=_left_of(vector, "llc_occupancy_share"),
        ),
        free_exclusive_cpus=pods.free_in(vector.domain),
        pods=pods.pods.get(vector.domain, ()),
    )


def _left_of(vector: FeatureVector, feature: str) -> float | None:
    used = vector.values[vector.schema.names.index(feature)]
    return None if np.isnan(used) else 1.0 - float(used)
