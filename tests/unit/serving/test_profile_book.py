"""Known workloads by key, and the conservative stand-in for the others."""

import pytest

from contracts.axis import AXES, Axis
from contracts.errors import ContractError
from contracts.profile import Tier
from serving.observed_bound import OwnMargin
from serving.profile_book import ProfileBook
from tests.unit.serving.small_bundle import profile


def test_the_later_of_two_profiles_with_one_key_counts() -> None:
    book = ProfileBook([profile("upf", pressure=0.2), profile("upf", pressure=0.5)])
    assert len(book) == 1
    assert book.of("upf").pressures[0] == 0.5


def test_an_unknown_workload_is_as_bad_as_the_worst_known_and_says_so() -> None:
    book = ProfileBook([profile("a", pressure=0.25, sensitivity=1.5), profile("b", pressure=0.5, sensitivity=3.0)])
    unknown = book.of("never seen")
    assert "never seen" not in book
    assert unknown.conservative
    assert unknown.pressures[AXES.index(Axis.MEMBW)] == 0.5
    assert unknown.sensitivities[AXES.index(Axis.LLC)] == 3.0


def test_without_any_profile_there_is_no_worst_one() -> None:
    with pytest.raises(ContractError, match="run a characterisation campaign first"):
        ProfileBook([])


def test_own_margins_count_for_their_workloads_until_others_do() -> None:
    book = ProfileBook([profile("a"), profile("b"), profile("c")])
    tight, wide = (OwnMargin(log_margin=margin, observations=9, moved=True) for margin in (0.1, 0.9))
    assert book.let_own_count({"a": tight, "b": wide, "never seen": wide}) == {"a", "b"}
    assert (book.of("a").own, book.of("b").own, book.of("c").own) == (tight, wide, None)
    assert book.of("never seen").own is None
    assert book.let_own_count({"a": tight}) == {"b"}
    assert (book.of("a").own, book.of("b").own) == (tight, None)


def test_the_tier_of_a_workload_is_that_of_its_profile() -> None:
    book = ProfileBook([profile("a"), profile("b", sensitivity=1.5)])
    assert (book.tier("a"), book.tier("b"), book.tier("never seen")) == (Tier.COUNTERS, Tier.PROBED, None)
