import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.axis import AXES, Axis
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import (
    MAXIMUM_BYTES,
    MAXIMUM_DOMAINS,
    MAXIMUM_PODS,
    AxisProbabilities,
    Condition,
    ConditionStatus,
    ConditionType,
    Coverage,
    DomainState,
    EventGroup,
    Headroom,
    IsolatedCpuPolicy,
    Metadata,
    MissingEvents,
    NodeState,
    Spec,
    Status,
    Window,
)
from contracts.regime import Regime
from contracts.vector import from_json_values, refuse_foreign_values
from tests.contract.strategies import EVENTS, document_values, node_states

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WIDTH = len(FEATURE_SCHEMA_V1)
MIDDLE = tuple((spec.minimum + spec.maximum) / 2 for spec in FEATURE_SCHEMA_V1.features)


def domain(**changes: Any) -> DomainState:
    settings: dict[str, Any] = {
        "name": "socket0",
        "window": Window(start=NOW, end=NOW + timedelta(seconds=10)),
        "features": MIDDLE,
        "regime": Regime.QUIET,
    }
    return DomainState(**{**settings, **changes})


def status(**changes: Any) -> Status:
    settings: dict[str, Any] = {
        "agent_version": "0.1.0",
        "feature_schema": FEATURE_SCHEMA_V1.digest,
        "heartbeat": NOW,
        "regimes": "quiet",
        "coverage": Coverage(wanted=len(EVENTS), opened=len(EVENTS)),
        "domains": (domain(),),
    }
    return Status(**{**settings, **changes})


def state(**changes: Any) -> NodeState:
    return NodeState(metadata=Metadata(name="n1"), status=status(**changes))


def condition(kind: ConditionType = ConditionType.READY, **changes: Any) -> Condition:
    settings: dict[str, Any] = {
        "type": kind,
        "status": ConditionStatus.TRUE,
        "reason": "AllWell",
        "last_transition_time": NOW,
    }
    return Condition(**{**settings, **changes})


# --- Round trips and rounding. ---


@given(node_states())
def test_json_gives_back_the_state(given_state: NodeState) -> None:
    assert NodeState.from_json(given_state.to_json()) == given_state
    assert NodeState.from_json(given_state.to_json(indent=2)) == given_state


@given(node_states())
def test_json_is_stable_under_a_writer_that_drops_needless_points(given_state: NodeState) -> None:
    """The API server writes 1.0 as 1."""
    plain = json.loads(
        given_state.to_json(),
        parse_float=lambda text: int(float(text)) if float(text) == int(float(text)) else float(text),
    )
    assert NodeState.from_json(json.dumps(plain)).to_json() == given_state.to_json()


@given(document_values())
def test_features_are_rounded_beyond_what_they_mean_and_stay_lawful(values: tuple[float | None, ...]) -> None:
    published = domain(features=values).features
    refuse_foreign_values(from_json_values(published), FEATURE_SCHEMA_V1, where="test")
    for before, after in zip(values, published, strict=True):
        assert (before is None) is (after is None)
        assert before is None or after == pytest.approx(before, abs=1.1e-6)


def test_probabilities_and_headroom_have_four_decimals() -> None:
    assert AxisProbabilities(llc=1 / 3).llc == 0.3333
    assert Headroom(memory_bandwidth=2 / 3).memory_bandwidth == 0.6667


def test_times_are_written_in_utc() -> None:
    assert b'"heartbeat":"2026-01-02T03:04:05Z"' in state().to_json()


def test_fields_that_kubernetes_adds_to_the_metadata_are_let_pass() -> None:
    content = json.loads(state().to_json())
    content["metadata"] |= {"uid": "x", "managedFields": [], "creationTimestamp": "2026-01-02T03:04:05Z"}
    assert NodeState.from_json(json.dumps(content)).metadata.name == "n1"


def test_what_the_administrator_left_out_is_told_from_what_he_set() -> None:
    assert Spec() == Spec(sampling_period_seconds=None, window_seconds=None, event_groups=None, isolated_cpus=None)
    assert Spec.from_json('{"isolatedCpus": "never"}').isolated_cpus is IsolatedCpuPolicy.NEVER


def test_judged_axes_in_contract_order() -> None:
    judged = AxisProbabilities(upi=0.5, llc=0.25).by_axis()
    assert list(judged.items()) == [(Axis.LLC, 0.25), (Axis.UPI, 0.5)]


def test_a_condition_is_found_by_its_type() -> None:
    found = status(conditions=(condition(ConditionType.DEGRADED),))
    assert found.condition(ConditionType.DEGRADED) == condition(ConditionType.DEGRADED)
    assert found.condition(ConditionType.READY) is None


# --- Refusals. ---


def out_of_range(name: str) -> tuple[float, ...]:
    return tuple(spec.maximum + 0.5 if spec.name == name else 0.0 for spec in FEATURE_SCHEMA_V1.features)


REFUSED: dict[str, tuple[Any, str]] = {
    "another schema": (
        lambda: status(feature_schema="sha256:" + "0" * 64),
        r"this reader knows sha256:.* \(feature vector v1\): upgrade the older of writer and reader",
    ),
    "a value out of its own range": (
        lambda: domain(features=out_of_range("row_churn")),
        r"row_churn is 4.5, outside \[0.0, 4.0\]",
    ),
    "a value in a range of others": (
        lambda: domain(features=out_of_range("io_share")),
        r"io_share is 1.5, outside \[0.0, 1.0\]",
    ),
    "a feature too few": (lambda: domain(features=(0.0,) * (WIDTH - 1)), "at least 31 items"),
    "a window that ends at its start": (lambda: Window(start=NOW, end=NOW), "not after its start"),
    "a window without a zone": (lambda: Window(start=NOW.replace(tzinfo=None), end=NOW), "timezone"),
    "a probability above one": (lambda: AxisProbabilities(llc=1.1), "less than or equal to 1"),
    "two domains of one name": (lambda: status(domains=(domain(), domain())), "domain socket0 stands twice"),
    "nine domains": (
        lambda: status(domains=tuple(domain(name=f"d{index}") for index in range(MAXIMUM_DOMAINS + 1))),
        "at most 8 items",
    ),
    "two conditions of one type": (
        lambda: status(conditions=(condition(), condition())),
        "condition Ready stands twice",
    ),
    "a pod twice in a domain": (lambda: status(domains=(domain(pods=("a", "a")),)), "pod of socket0 a stands twice"),
    "a pod pinned and shared": (
        lambda: status(domains=(domain(pods=("a",)),), shared_pods=("a",)),
        "pod a is pinned to a domain and shared as well",
    ),
    "more pods than there is room for": (
        lambda: status(domains=(domain(pods=("a",)),), shared_pods=tuple(f"p{i}" for i in range(MAXIMUM_PODS))),
        "121 pods are named, 120 have room: name the pinned ones first and count the rest in omittedPods",
    ),
    "a UID that is none": (lambda: domain(pods=('a"b',)), "pods.0"),
    "an event missing twice": (
        lambda: Coverage(
            wanted=9, opened=0, missing=(MissingEvents(errno="ENOENT", reason="", events=(EVENTS[0], EVENTS[0])),)
        ),
        "stands twice",
    ),
    "an event that the contract has not": (
        lambda: MissingEvents(errno="ENOENT", reason="", events=("CORE_GHZ",)),
        "'CORE_GHZ' has no unit",
    ),
    "a coverage that does not add up": (lambda: Coverage(wanted=2, opened=3), "2 events are wanted, but 3 opened"),
    "an errno that is none": (lambda: MissingEvents(errno="13", reason="", events=(EVENTS[0],)), "errno"),
    "a reason that is a sentence": (lambda: condition(reason="all is well"), "reason"),
    "a window shorter than two samples": (
        lambda: Spec(sampling_period_seconds=1.0, window_seconds=1.5),
        "does not hold two samples",
    ),
    "an event group twice": (lambda: Spec(event_groups=(EventGroup.CORE, EventGroup.CORE)), "core stands twice"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_breaks_the_contract_is_refused(kind: str) -> None:
    make, message = REFUSED[kind]
    with pytest.raises(ValidationError, match=message):
        make()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("apiVersion",), "leeward.dev/v2", "apiVersion"),
        (("kind",), "Node", "kind"),
        (("status", "heartbeat"), "2026-01-02T03:04:05", r"status\.heartbeat: Input should have timezone info"),
        (("status", "heartbeat"), 1767322800, r"status\.heartbeat"),
        (("status", "featureSchema"), "sha256:" + "0" * 64, r"status\.featureSchema: .*upgrade the older"),
        (("status", "omittedPods"), "3", r"status\.omittedPods"),
        (("status", "domains", 0, "features", 4), "0.5", r"status\.domains\.0\.features\.4"),
        (("status", "domains", 0, "regime"), "busy", r"status\.domains\.0\.regime"),
        (("status", "odd"), 1, r"status\.odd: Extra inputs"),
    ],
)
def test_reading_says_where_it_was_refused(path: tuple[str | int, ...], value: object, message: str) -> None:
    content = json.loads(state().to_json())
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ContractError, match=f"NodeState is refused: {message}"):
        NodeState.from_json(json.dumps(content))


@given(st.data())
def test_every_torn_state_is_refused(data: st.DataObject) -> None:
    content = state().to_json()
    with pytest.raises(ContractError, match="Invalid JSON"):
        NodeState.from_json(content[: data.draw(st.integers(0, len(content) - 1))])


# --- Under 16 KiB. ---

PRINTABLE = "m" * 256


def long_share(index: int) -> float:
    """A share that takes as many digits as a share can."""
    return 0.123456789 + index * 1e-5


def fullest(*, pinned: int, values: tuple[float | None, ...], omitted: int = 65535) -> NodeState:
    """The largest state that the model admits, but for characters that JSON escapes."""
    pods = tuple(f"{index:08x}-1234-1234-1234-123456789abc" for index in range(MAXIMUM_PODS))
    start = NOW + timedelta(microseconds=123456)
    domains = tuple(
        domain(
            name=f"socket{index // 4}-snc{index % 4}",
            window=Window(start=start, end=start + timedelta(seconds=10)),
            features=values,
            axes=AxisProbabilities(**{axis.value: long_share(place) for place, axis in enumerate(AXES)}),
            regime=Regime.FRONTEND,
            headroom=Headroom(memory_bandwidth=long_share(8), llc_occupancy=long_share(9)),
            free_exclusive_cpus=4096,
            pods=pods[:pinned][index::MAXIMUM_DOMAINS],
        )
        for index in range(MAXIMUM_DOMAINS)
    )
    groups = tuple(
        MissingEvents(errno="EOPNOTSUPP", reason=PRINTABLE[:160], events=tuple(EVENTS[index::8])) for index in range(8)
    )
    return NodeState(
        metadata=Metadata(name="n" * 253, resource_version="1" * 20, generation=2**31),
        spec=Spec(
            sampling_period_seconds=0.123456789,
            window_seconds=123.456789,
            event_groups=tuple(EventGroup),
            isolated_cpus=IsolatedCpuPolicy.SAMPLED,
        ),
        status=Status(
            agent_version=PRINTABLE[:64],
            feature_schema=FEATURE_SCHEMA_V1.digest,
            bundle_digest="sha256:" + "f" * 64,
            heartbeat=start,
            regimes=",".join(entry.regime for entry in domains),
            coverage=Coverage(wanted=len(EVENTS), opened=0, missing=groups),
            domains=domains,
            shared_pods=pods[pinned:],
            omitted_pods=omitted,
            conditions=tuple(
                condition(
                    kind,
                    status=ConditionStatus.UNKNOWN,
                    reason="R" * 64,
                    message=PRINTABLE,
                    last_transition_time=start,
                    observed_generation=2**31,
                )
                for kind in ConditionType
            ),
        ),
    )


@given(values=document_values(), pinned=st.integers(0, MAXIMUM_PODS))
def test_the_fullest_state_fits(values: tuple[float | None, ...], pinned: int) -> None:
    assert len(fullest(pinned=pinned, values=values).to_json()) <= MAXIMUM_BYTES


def test_the_fullest_state_fits_with_the_longest_figures() -> None:
    longest = tuple(spec.maximum - 0.876543 for spec in FEATURE_SCHEMA_V1.features)
    assert len(fullest(pinned=MAXIMUM_PODS, values=longest).to_json()) <= MAXIMUM_BYTES


def test_a_state_that_is_too_large_says_what_takes_the_room() -> None:
    """Only characters that JSON escapes get it there."""
    whole = fullest(pinned=0, values=MIDDLE)
    assert whole.status is not None
    escaped = tuple(entry.model_copy(update={"reason": "\x01" * 160}) for entry in whole.status.coverage.missing)
    coverage = whole.status.coverage.model_copy(update={"missing": escaped})
    large = whole.model_copy(update={"status": whole.status.model_copy(update={"coverage": coverage})})
    with pytest.raises(
        ContractError, match=r"has \d+ bytes, at most 16384 are lawful: shorten coverage \(\d+\), sharedPods"
    ):
        large.to_json()
    with pytest.raises(ContractError, match="at most 16384"):
        large.to_json(indent=2)
