from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.axis import AXES, Axis
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import (
    CONSERVATIVE_KEY,
    PROFILE_LABEL,
    AxisResponse,
    ContainerShape,
    ResponsePoint,
    Tier,
    WorkloadProfile,
    conservative_profile,
    profile_key,
)
from contracts.slowdown import SLOWDOWN_CEILING
from tests.contract.strategies import profiles

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WIDTH = len(FEATURE_SCHEMA_V1)


def point(pressure: float, slowdown: float, upper: float) -> ResponsePoint:
    return ResponsePoint(pressure=pressure, slowdown=slowdown, upper=upper)


def curve(axis: Axis = Axis.LLC, *points: tuple[float, float, float]) -> AxisResponse:
    return AxisResponse(axis=axis, points=tuple(point(*given_point) for given_point in points or [(0.5, 1.1, 1.2)]))


def profile(**changes: Any) -> WorkloadProfile:
    settings: dict[str, Any] = {
        "key": "upf",
        "tier": Tier.PROBED,
        "solo": (0.5,) * WIDTH,
        "responses": (curve(),),
        "first_seen": NOW,
        "last_seen": NOW,
    }
    return WorkloadProfile(**{**settings, **changes})


@given(profiles())
def test_json_gives_back_the_profile(given_profile: WorkloadProfile) -> None:
    assert WorkloadProfile.from_json(given_profile.to_json()) == given_profile
    assert WorkloadProfile.from_json(given_profile.to_json()).digest == given_profile.digest


@given(profiles(), profiles())
def test_the_digest_stands_for_the_profile(left: WorkloadProfile, right: WorkloadProfile) -> None:
    assert (left.digest == right.digest) is (left == right)


@given(profiles())
def test_solo_values_are_float32_with_nan_for_missing(given_profile: WorkloadProfile) -> None:
    values = given_profile.solo_values
    assert values.dtype == np.float32
    assert values.shape == (WIDTH,)
    assert np.isnan(values).tolist() == [value is None for value in given_profile.solo]


@given(profiles(), st.data())
def test_every_torn_profile_is_refused(given_profile: WorkloadProfile, data: st.DataObject) -> None:
    content = given_profile.to_json()
    with pytest.raises(ContractError, match="WorkloadProfile is refused: document: Invalid JSON"):
        WorkloadProfile.from_json(content[: data.draw(st.integers(0, len(content) - 1))])


def test_a_curve_is_found_by_its_axis_and_knows_its_worst() -> None:
    steep = curve(Axis.DDIO, (0.2, 1.0, 3.0), (0.9, 1.5, 2.0))
    found = profile(responses=(curve(), steep)).response(Axis.DDIO)
    assert found == steep
    assert steep.worst == 3.0
    assert profile().response(Axis.TLB) is None


REFUSED: dict[str, tuple[Any, str]] = {
    "another schema": (lambda: profile(feature_schema="sha256:" + "0" * 64), "profile upf is of feature schema"),
    "too few values": (lambda: profile(solo=(0.5,)), "at least 31 items"),
    "a value out of its range": (lambda: profile(solo=(1.5,) * WIDTH), "l3_miss_ratio is 1.5"),
    "two curves of an axis": (lambda: profile(responses=(curve(), curve())), "two response curves of one axis"),
    "curves from counters alone": (lambda: profile(tier=Tier.COUNTERS), "its tier is probed or observed"),
    "probes without an answer": (lambda: profile(responses=()), "tier probed and has no response curve"),
    "observed by nobody": (lambda: profile(tier=Tier.OBSERVED), "tier observed and has no observation"),
    "seen last before first": (lambda: profile(last_seen=NOW - timedelta(days=1)), "last seen before"),
    "a time without a zone": (lambda: profile(first_seen=datetime(2026, 1, 1)), "timezone"),  # noqa: DTZ001
    "a bound below its slowdown": (lambda: point(0.5, 1.2, 1.1), "upper bound 1.1 lies below the slowdown 1.2"),
    "a slowdown beyond the ceiling": (lambda: point(0.5, 1.0, SLOWDOWN_CEILING + 1), "less than or equal to 10"),
    "a speed-up": (lambda: point(0.5, 0.8, 1.0), "greater than or equal to 0.9"),
    "a pressure above one": (lambda: point(1.5, 1.0, 1.0), "less than or equal to 1"),
    "pressures that fall": (
        lambda: curve(Axis.LLC, (0.5, 1.0, 1.0), (0.4, 1.0, 1.0)),
        r"pressures of the llc curve do not rise: \[0.5, 0.4\]",
    ),
    "a pressure twice": (lambda: curve(Axis.LLC, (0.5, 1.0, 1.0), (0.5, 1.0, 1.0)), "do not rise"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_breaks_the_contract_is_refused(kind: str) -> None:
    make, message = REFUSED[kind]
    with pytest.raises(ValidationError, match=message):
        make()


# --- Keys. ---

CONTAINERS = [
    ContainerShape("registry/upf:1", {"cpu": "4", "memory": "8Gi"}),
    ContainerShape("registry/sidecar:2", {"cpu": "100m"}),
]


def test_the_label_names_a_workload() -> None:
    assert profile_key(labels={PROFILE_LABEL: "upf-large", "app": "x"}, containers=CONTAINERS) == "upf-large"


@pytest.mark.parametrize("labels", [{}, {PROFILE_LABEL: ""}, {"app": "upf"}])
def test_else_its_images_and_requests_do_in_any_order(labels: dict[str, str]) -> None:
    key = profile_key(labels=labels, containers=CONTAINERS)
    assert key.startswith("sha256:")
    turned = [
        ContainerShape(shape.image, dict(sorted(shape.requests.items(), reverse=True)))
        for shape in reversed(CONTAINERS)
    ]
    assert profile_key(labels={}, containers=turned) == key


def test_another_image_or_request_is_another_workload() -> None:
    key = profile_key(labels={}, containers=CONTAINERS)
    other_image = [ContainerShape("registry/upf:2", CONTAINERS[0].requests), CONTAINERS[1]]
    other_request = [ContainerShape("registry/upf:1", {"cpu": "8", "memory": "8Gi"}), CONTAINERS[1]]
    keys = {key, *(profile_key(labels={}, containers=other) for other in (other_image, other_request, CONTAINERS[:1]))}
    assert len(keys) == 4


# --- The conservative profile. ---


def test_nobody_knows_the_worst_of_nobody() -> None:
    with pytest.raises(ContractError, match="run a characterisation campaign first"):
        conservative_profile([])
    with pytest.raises(ContractError, match="no workload is known"):
        conservative_profile([conservative_profile([profile()])])


def test_the_worst_case_by_hand() -> None:
    mild = profile(
        solo=(0.25, None, *(0.5,) * (WIDTH - 2)), responses=(curve(Axis.LLC, (0.5, 1.1, 1.2), (1.0, 1.2, 1.3)),)
    )
    harsh = profile(
        solo=(0.125, 0.75, *(0.25,) * (WIDTH - 2)),
        responses=(curve(Axis.LLC, (0.5, 1.5, 2.0)), curve(Axis.UPI, (0.7, 1.0, 1.1))),
        last_seen=NOW + timedelta(days=1),
        simulated=True,
    )
    worst = conservative_profile([mild, harsh])
    assert (worst.key, worst.conservative, worst.tier) == (CONSERVATIVE_KEY, True, Tier.COUNTERS)
    assert worst.solo[:3] == (0.25, 0.75, 0.5)
    assert worst.response(Axis.LLC) == curve(Axis.LLC, (0.5, 1.5, 2.0), (1.0, 1.5, 2.0))
    assert worst.response(Axis.UPI) == curve(Axis.UPI, (0.7, 1.0, 1.1))
    assert (worst.first_seen, worst.last_seen, worst.simulated) == (NOW, NOW + timedelta(days=1), True)


@given(st.lists(profiles(), min_size=1, max_size=4))
def test_no_known_workload_is_worse(population: list[WorkloadProfile]) -> None:
    worst = conservative_profile(population)
    assert WorkloadProfile.from_json(worst.to_json()) == worst
    for known in population:
        assert not (known.solo_values > worst.solo_values).any()
        assert not (~np.isnan(known.solo_values) & np.isnan(worst.solo_values)).any()
        for axis in AXES:
            own, bound = known.response(axis), worst.response(axis)
            for given_point in own.points if own is not None else ():
                assert bound is not None
                above = next(entry for entry in bound.points if entry.pressure == given_point.pressure)
                assert (above.slowdown, above.upper) >= (given_point.slowdown, given_point.upper)
                assert above.upper >= given_point.upper


@given(st.lists(profiles(), min_size=1, max_size=4))
def test_its_curves_never_fall_and_the_order_of_the_population_does_not_matter(
    population: list[WorkloadProfile],
) -> None:
    worst = conservative_profile(population)
    for response in worst.responses:
        uppers = [entry.upper for entry in response.points]
        assert uppers == sorted(uppers)
    assert conservative_profile(population[::-1]) == worst
