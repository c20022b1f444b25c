"""Who may serve, from figures alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.profile import Tier
from pipelines.bootstrap import Resampling
from pipelines.gate import GateDecision, GateLimits, decide, wilson
from pipelines.gate_figures import Audit, GateFigures, GroupCoverage, Measured, Measurement, PairedLoss, TierCoverage

GROUPS = tuple("abcdefghij")
HOW = Resampling(resamples=200, confidence=0.9, seed=1)
LIMITS = GateLimits(regime_seconds=0.001, bounds_seconds=0.1, bundle_bytes=1000.0)
WITHIN = {
    Measured.PROBABILITY_DIFFERENCE: 1e-7,
    Measured.SLOWDOWN_DIFFERENCE: 1e-6,
    Measured.REGIME_SECONDS: 1e-4,
    Measured.BOUNDS_SECONDS: 0.01,
    Measured.BUNDLE_BYTES: 999.0,
}
HONEST = Audit(groups=("a",), distance=1e-7, of_whole=0.1)
LEAKY = Audit(groups=("a",), distance=0.11, of_whole=0.1)


def coverage(*shares: float, nominal: float = 0.8, asked: float = 0.8) -> TierCoverage:
    groups = tuple(GroupCoverage(group=group, share=share) for group, share in zip(GROUPS, shares, strict=False))
    return TierCoverage(tier=Tier.PROBED, nominal=nominal, asked=asked, groups=groups)


def loss(challenger: tuple[float, ...], champion: tuple[float, ...], name: str = "bound") -> PairedLoss:
    return PairedLoss(loss=name, groups=GROUPS[: len(champion)], challenger=challenger, champion=champion)


def measurements(**other: float) -> tuple[Measurement, ...]:
    changed = {what: other.get(what.name, value) for what, value in WITHIN.items()}
    return tuple(Measurement(what=what, value=value) for what, value in changed.items())


def figures(**changes: object) -> GateFigures:
    usual: dict[str, object] = {
        "groups": GROUPS,
        "audits": (HONEST,),
        "coverage": (coverage(*[0.85] * 10),),
        "measurements": measurements(),
    }
    return GateFigures.model_validate(usual | changes)


def asked(vouched_by: str = "", **changes: object) -> GateDecision:
    return decide(figures(**changes), limits=LIMITS, how=HOW, vouched_by=vouched_by)


def test_the_first_challenger_needs_no_champion() -> None:
    decision = asked()
    assert decision.promoted
    assert decision.refusals == ()
    assert "there is no champion to compare with" in decision.reasons


def test_coverage_below_nominal_in_every_group_is_refused() -> None:
    decision = asked(coverage=(coverage(*[0.5] * 10),))
    assert not decision.promoted
    (sentence,) = decision.refusals
    assert "hold in 50.0% of rows, the mean of 10 groups" in sentence
    assert "binomial 26.9% to 73.1%): below the stated 80% beyond chance" in sentence


def test_coverage_that_chance_explains_is_let_through() -> None:
    assert asked(coverage=(coverage(1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.6, 0.4, 0.2),)).promoted


def test_groups_that_are_all_short_alike_are_no_chance_although_so_few_trials_could_be() -> None:
    (check,) = (decision := asked(coverage=(coverage(*[0.75] * 10),))).coverage
    assert check.binomial_upper > 0.8 > check.upper
    assert not decision.promoted


def test_a_smaller_promise_than_was_asked_for_is_refused_although_it_holds() -> None:
    (sentence,) = asked(coverage=(coverage(*[0.85] * 10, nominal=0.6),)).refusals
    assert sentence.endswith("not below the stated 60% beyond chance, and 80.0% was asked for")


def test_a_challenger_that_is_worse_in_each_group_is_refused() -> None:
    decision = asked(champion="7", losses=(loss((0.11,) * 10, (0.10,) * 10),))
    (sentence,) = decision.refusals
    assert sentence.startswith(
        "bound loss on the same 10 unseen groups is 0.11, that of champion 7 0.1, a change of +10"
    )
    assert sentence.endswith("worse")


def test_a_mean_that_grew_too_much_is_refused_although_chance_might_explain_it() -> None:
    champion = (0.1,) * 10
    decision = asked(champion="7", losses=(loss((0.30, *(0.09,) * 9), champion),))
    (check,) = decision.losses
    assert check.lower < 0.0 < LIMITS.worse_by < check.growth
    assert not decision.promoted


def test_a_tie_and_an_improvement_win() -> None:
    for ours in (0.1, 0.08):
        assert asked(champion="7", losses=(loss((ours,) * 10, (0.1,) * 10), loss((ours,), (0.1,), "regime"))).promoted


def test_a_loss_of_nothing_that_stays_nothing_is_a_tie() -> None:
    assert asked(champion="7", losses=(loss((0.0,) * 3, (0.0,) * 3),)).promoted
    assert not asked(champion="7", losses=(loss((0.1,) * 3, (0.0,) * 3),)).promoted


def test_a_champion_beside_whom_nothing_was_measured_stays() -> None:
    assert asked(champion="7").refusals == ("nothing was compared with champion 7",)


def test_a_champion_that_can_not_be_compared_needs_a_persons_word() -> None:
    other = {"champion": "7", "incomparable": "it was made for another schema"}
    (sentence,) = asked(**other).refusals
    assert sentence == "champion 7 can't be compared (it was made for another schema): it takes a person's word"
    decision = asked(vouched_by="Ada", **other)
    assert decision.promoted
    assert decision.vouched_by == "Ada"
    assert any(reason.endswith("Ada vouches") for reason in decision.reasons)


def test_a_persons_word_stands_in_for_the_comparison_alone() -> None:
    other = {"champion": "7", "incomparable": "it was made for another schema"}
    assert not asked(vouched_by="Ada", coverage=(coverage(*[0.5] * 10),), **other).promoted
    assert not asked(vouched_by="Ada", audits=(LEAKY,), **other).promoted
    comparable = asked(vouched_by="Ada", champion="7", losses=(loss((0.2,) * 10, (0.1,) * 10),))
    assert not comparable.promoted
    assert comparable.vouched_by == ""


def test_groups_that_every_bundle_has_seen_are_refused_by_name() -> None:
    (sentence,) = asked(not_held_out=("c", "d", "e", "f")).refusals
    assert sentence.startswith("4 of 10 workload groups were seen by every bundle (c, d, e): rows were held out")


def test_a_bundle_that_has_seen_what_it_denies_is_refused() -> None:
    (sentence,) = asked(audits=(HONEST, LEAKY)).refusals
    assert sentence == (
        "the bundle without a is 0.11 from one fitted again without, of 0.05 at most; the one that has seen all is 0.1 "
        "away: it has seen them"
    )


def test_where_no_workload_stands_out_two_honest_fits_are_alike() -> None:
    assert asked(audits=(Audit(groups=("a",), distance=1e-6, of_whole=1e-6),)).promoted


@pytest.mark.parametrize("what", list(Measured))
def test_what_is_beyond_its_limit_or_was_not_measured_is_refused(what: Measured) -> None:
    found = measurements(**{what.name: 2.0 * LIMITS.of(what)})
    assert asked(measurements=measurements(**{what.name: LIMITS.of(what)})).promoted
    (sentence,) = asked(measurements=found).refusals
    assert sentence.startswith(f"{what} ")
    assert ": beyond " in sentence
    assert asked(measurements=[one for one in found if one.what is not what]).refusals == (f"{what} was not measured",)


def test_what_was_not_judged_at_all_is_refused() -> None:
    assert asked(coverage=()).refusals == ("no bound of an unseen victim could be judged",)
    assert asked(audits=()).refusals == ("no bundle was fitted again without its groups",)


def test_losses_without_their_groups_are_no_figures() -> None:
    with pytest.raises(ValidationError, match="one loss a group is meant: 2 groups, 1 and 2 losses"):
        loss((0.1,), (0.1, 0.1))


def test_a_decision_survives_json() -> None:
    decision = asked(champion="7", losses=(loss((0.2,) * 10, (0.1,) * 10),))
    assert GateDecision.from_json(decision.to_json()) == decision


@given(st.floats(0.0, 1.0), st.integers(1, 500))
def test_the_binomial_interval_holds_the_share_and_narrows_with_trials(share: float, trials: int) -> None:
    lower, upper = wilson(share, trials, 0.9)
    assert 0.0 <= lower <= share + 1e-12
    assert share - 1e-12 <= upper <= 1.0
    narrower = wilson(share, 4 * trials, 0.9)
    assert narrower[1] - narrower[0] <= upper - lower


def test_the_binomial_interval_is_wilsons() -> None:
    """Nine of ten at 95 %, by the formula."""
    assert wilson(0.9, 10, 0.95) == pytest.approx((0.5958, 0.9821), abs=5e-5)


@given(st.lists(st.floats(0.0, 1.0), min_size=4, max_size=10), st.data())
def test_better_coverage_is_never_refused_where_worse_is_not(shares: list[float], data: st.DataObject) -> None:
    better = [data.draw(st.floats(share, 1.0)) for share in shares]
    how = Resampling(resamples=100, confidence=0.9, seed=1)
    worse_one, better_one = (
        decide(figures(coverage=(coverage(*one),)), limits=LIMITS, how=how) for one in (shares, better)
    )
    assert better_one.promoted or not worse_one.promoted


@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=10))
def test_swapping_challenger_and_champion_never_promotes_both_ways_by_much(pairs: list[tuple[float, float]]) -> None:
    """Where both ways are let through, the means differ by no more than the tolerance."""
    ours, theirs = zip(*pairs, strict=True)
    how = Resampling(resamples=100, confidence=0.9, seed=1)
    forth, back = (
        decide(figures(champion="7", losses=(loss(one, other),)), limits=LIMITS, how=how).promoted
        for one, other in ((ours, theirs), (theirs, ours))
    )
    if forth and back:
        assert (
            max(np.mean(ours), np.mean(theirs)) <= (1.0 + LIMITS.worse_by) * min(np.mean(ours), np.mean(theirs)) + 1e-9
        )
