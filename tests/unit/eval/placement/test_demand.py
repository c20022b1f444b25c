from datetime import UTC, datetime

import pytest

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from eval.errors import EvaluationError
from eval.placement.demand import BACKGROUND_GROUP, GIBIBYTE, demand_of, demands_of, function_groups, qualified_slowdown
from eval.testbed.catalogue import workload

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def profile(key: str, slowdowns: dict[Axis, dict[float, float]]) -> WorkloadProfile:
    responses = tuple(
        AxisResponse(
            axis=axis,
            points=tuple(ResponsePoint(pressure=at, slowdown=value, upper=value + 0.5) for at, value in points.items()),
        )
        for axis, points in slowdowns.items()
    )
    return WorkloadProfile(
        key=key,
        tier=Tier.PROBED if responses else Tier.COUNTERS,
        solo=(None,) * len(FEATURE_SCHEMA_V1),
        responses=responses,
        first_seen=NOW,
        last_seen=NOW,
        simulated=True,
    )


PROBED = {Axis.LLC: {0.5: 1.1, 1.0: 1.61}, Axis.SMT: {0.5: 1.9, 1.0: 1.2}}


def test_what_is_tolerated_is_the_worst_loss_at_full_intensity_rounded_up() -> None:
    assert qualified_slowdown(profile("amf", PROBED)) == 1.65


def test_nobody_tolerates_less_than_no_slowdown() -> None:
    assert qualified_slowdown(profile("amf", {Axis.LLC: {1.0: 0.97}})) == 1.0


def test_without_a_full_probe_nothing_is_qualified() -> None:
    with pytest.raises(EvaluationError, match=r"profile amf has no probe at intensity 1\.0"):
        qualified_slowdown(profile("amf", {Axis.LLC: {0.5: 1.2}}))


def test_the_user_plane_wants_a_card_and_the_background_tolerates_most() -> None:
    router, amf, batch = (demand_of(workload(name), profile(name, PROBED)) for name in ("router", "amf", "batch"))
    assert (router.needs_nic, amf.needs_nic, batch.needs_nic) == (True, False, False)
    assert (router.cpus, router.memory_bytes) == (3, 12 * GIBIBYTE)
    assert router.max_slowdown == amf.max_slowdown == 1.65 < batch.max_slowdown


def test_every_workload_that_comes_needs_a_profile() -> None:
    profiles = [profile("upf-large", PROBED), profile("amf", PROBED)]
    with pytest.raises(EvaluationError, match="no profile of group firewall lies beside the traces"):
        demands_of(frozenset({"firewall", "amf"}), profiles)
    assert [demand.workload.name for demand in demands_of(frozenset({"amf"}), profiles)] == ["amf"]


def test_the_background_is_no_network_function() -> None:
    known = [profile(name, PROBED) for name in ("upf-large", "upf-small", "amf", "batch")]
    assert function_groups(known) == ("amf", "upf")
    assert BACKGROUND_GROUP not in function_groups(known)
