from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from feature_repo.profiles import ProfileKey, latest_profile, latest_profiles, profiles_as_of, write_profiles
from feature_repo.store import Store
from tests.unit.feature_repo.documents import profile
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS


def _as_of(store: Store, key: str, seconds: float, nanoseconds: int = 0) -> WorkloadProfile | None:
    asked = ProfileKey(key, DAY_START_NS + round(seconds * SECOND_NS) + nanoseconds)
    return profiles_as_of(store, [asked])[0]


def test_a_profile_is_known_online_and_from_when_it_was_last_seen(either_store: Store) -> None:
    one = profile("upf", 100)
    assert write_profiles(either_store, [one]) == 1
    assert latest_profile(either_store, "upf") == one
    assert _as_of(either_store, "upf", 100, -1) is None
    assert _as_of(either_store, "upf", 100) == one
    assert _as_of(either_store, "upf", 100 + 3 * 365 * 86400) == one  # holds until more is known


def test_a_later_profile_replaces_an_earlier_one_from_then_on(either_store: Store) -> None:
    earlier, later = profile("amf", 0), profile("amf", 86400, seed=2)
    write_profiles(either_store, [earlier])
    write_profiles(either_store, [later])
    assert latest_profile(either_store, "amf") == later
    assert _as_of(either_store, "amf", 86400, -1) == earlier
    assert _as_of(either_store, "amf", 86400) == later


def test_an_earlier_profile_that_comes_late_goes_to_history_alone(either_store: Store) -> None:
    earlier, later = profile("smf", 0), profile("smf", 60, seed=2)
    assert write_profiles(either_store, [later]) == 1
    assert write_profiles(either_store, [earlier]) == 1
    assert latest_profile(either_store, "smf") == later
    assert _as_of(either_store, "smf", 30) == earlier


def test_of_one_batch_the_latest_goes_online(either_store: Store) -> None:
    batch = [profile("ausf", seconds, seed=seconds) for seconds in (20, 40, 30)]
    assert write_profiles(either_store, [*batch, batch[0]]) == 3
    assert latest_profile(either_store, "ausf") == batch[1]


def test_writing_again_is_safe(either_store: Store) -> None:
    one = profile("nrf")
    assert [write_profiles(either_store, [one]) for _ in range(3)] == [1, 0, 0]
    assert latest_profile(either_store, "nrf") == one


def test_what_is_known_does_not_change(either_store: Store) -> None:
    write_profiles(either_store, [profile("pcf")])
    with pytest.raises(ContractError, match=r"profile_v1 of pcf/2026-03-01 .*known does not change.*Nothing"):
        write_profiles(either_store, [profile("udm"), profile("pcf", seed=2)])
    with pytest.raises(ContractError, match="profile_v1 of udm"):
        write_profiles(either_store, [profile("udm"), profile("udm", seed=2)])
    assert latest_profiles(either_store, ["pcf", "udm"]) == (profile("pcf"), None)


def test_answers_come_in_the_order_of_the_keys_and_keys_may_repeat(either_store: Store) -> None:
    written = [profile(f"cnf-{number}", seed=number) for number in range(12)]
    write_profiles(either_store, written)
    keys = [one.key for one in reversed(written)]
    assert latest_profiles(either_store, [*keys, "nobody", keys[0]]) == (*reversed(written), None, written[-1])
    asked = [ProfileKey(key, DAY_START_NS) for key in keys]
    late = replace(asked[0], at_ns=DAY_START_NS - SECOND_NS)
    assert profiles_as_of(either_store, [late, *asked, asked[0]]) == (None, *reversed(written), written[-1])


def test_more_questions_than_one_join_takes_are_answered_in_their_order(store: Store) -> None:
    first, second = profile("first"), profile("second", 60, seed=2)
    write_profiles(store, [first, second])
    early = [ProfileKey("first", DAY_START_NS - 1000 - number) for number in range(20_000)]
    late = [ProfileKey(key, DAY_START_NS + 60 * SECOND_NS) for key in ("second", "first", "nobody")]
    found = profiles_as_of(store, [*late, *early, *late])
    assert found == (second, first, None, *[None] * 20_000, second, first, None)


def test_nobody_asked_nobody_known(either_store: Store) -> None:
    assert write_profiles(either_store, []) == 0
    assert latest_profiles(either_store, []) == ()
    assert profiles_as_of(either_store, []) == ()


def test_a_profile_without_indicator_or_any_feature_comes_back(either_store: Store) -> None:
    one = profile("blind").model_copy(
        update={"solo": (None,) * 31, "last_seen": profile("blind").last_seen + timedelta(microseconds=1)}
    )
    write_profiles(either_store, [one])
    assert latest_profile(either_store, "blind") == one
    assert profiles_as_of(either_store, [ProfileKey("blind", DAY_START_NS + 1000)]) == (one,)
