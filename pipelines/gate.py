"""Whether a challenger may serve, decided from figures alone: no bundle and no registry in sight.

A challenger serves if all of these hold, and each leaves its sentence in the decision:

- *held out*: each workload group was judged by a bundle that was made without it. The bundles' manifests say so, and
  some of the bundles are fitted again, since manifests repeat the mistakes of who wrote them;
- *coverage*: bounds of unseen victims hold at the rate that the bundle states, within chance;
- *loss*: it is no worse than the champion on the same rows of the same unseen groups, by a paired bootstrap over
  groups;
- *limits*: parity, latency and size.

With some ten groups an interval over groups is wide, so "within chance" forgives a good deal; what it can't forgive is
a coverage below nominal in almost every resampling, or a loss that has grown in almost every group. A mean loss that
has grown by more than a stated share is refused whatever chance says.
"""

import math
from statistics import NormalDist
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from contracts.model import Document
from contracts.nodestate import Share
from contracts.profile import Tier
from pipelines.bootstrap import Interval, Resampling, over_groups
from pipelines.gate_figures import Audit, GateFigures, Measured, PairedLoss, TierCoverage

Limit = Annotated[float, Field(gt=0.0)]

_ROUNDING = 1e-4
"""So far two fits of the same rows may be apart in the logarithm, where no workload stands out from the others."""


class GateLimits(Document):
    """What the gate asks for, beside the rate that a bundle states.

    Attributes:
        worse_by: the challenger's mean loss may exceed the champion's by this share.
        nearness: a held-out bundle may be as far from an honest fit as this share of what the whole one is. Honest
            ones are no hundredth of it away, those held out by row are as far; docs/adr/0008-registry.md has figures.
        probability_difference, slowdown_difference: between what the training said of held-out rows and what the
            registered graphs say of them, at most; of a slowdown relative to it.
        regime_seconds: of judging one vector, at most.
        bounds_seconds: of bounding a thousand victims, at most.
        bundle_bytes: of the bundle as it travels, at most.
    """

    worse_by: Share = 0.05
    nearness: Share = 0.5
    probability_difference: Limit = 1e-5
    slowdown_difference: Limit = 1e-4
    regime_seconds: Limit
    bounds_seconds: Limit
    bundle_bytes: Limit

    def of(self, what: Measured) -> float:
        """The most that a measurement may be."""
        return {
            Measured.PROBABILITY_DIFFERENCE: self.probability_difference,
            Measured.SLOWDOWN_DIFFERENCE: self.slowdown_difference,
            Measured.REGIME_SECONDS: self.regime_seconds,
            Measured.BOUNDS_SECONDS: self.bounds_seconds,
            Measured.BUNDLE_BYTES: self.bundle_bytes,
        }[what]


class HeldOutCheck(Document):
    """Whether each workload group has a bundle that says it has not seen it."""

    groups: int
    not_held_out: tuple[str, ...]
    held: bool


class AuditCheck(Document):
    """How far a held-out bundle is from an honest fit, see ``Audit``, and how far it may be."""

    groups: tuple[str, ...]
    distance: float
    of_whole: float
    limit: float
    held: bool


class CoverageCheck(Document):
    """Coverage of unseen victims' bounds, the mean over workload groups, for one tier.

    Attributes:
        nominal, asked: the rate that is stated, and the one that was asked for.
        lower, upper: of the bootstrap over groups.
        binomial_lower, binomial_upper: as if each group were one trial.
    """

    tier: Tier
    nominal: float
    asked: float
    coverage: float
    lower: float
    upper: float
    binomial_lower: float
    binomial_upper: float
    groups: int
    held: bool


class LossCheck(Document):
    """A loss of challenger and champion, see ``PairedLoss``.

    Attributes:
        challenger, champion: means over groups.
        growth: of the mean, as a share of the champion's; with its interval over groups, paired.
        groups: that both could be judged on.
    """

    loss: str
    challenger: float
    champion: float
    growth: float
    lower: float
    upper: float
    groups: int
    held: bool


class LimitCheck(Document):
    """A measurement and the most that it may be."""

    what: Measured
    value: float
    limit: float
    held: bool


class GateDecision(Document):
    """What was decided, and from which figures.

    Attributes:
        promoted: whether the challenger may serve.
        reasons: in sentences, one a check.
        refusals: those of the reasons that the challenger was refused for.
        held_out, audits, coverage, losses, limits: the checks; no losses where there was nobody to compare with.
        champion: version that was champion when it was decided.
        vouched_by: who answers for a challenger that could not be compared with the champion; else empty.
    """

    promoted: bool
    reasons: tuple[str, ...]
    refusals: tuple[str, ...] = ()
    held_out: HeldOutCheck
    audits: tuple[AuditCheck, ...] = ()
    coverage: tuple[CoverageCheck, ...] = ()
    losses: tuple[LossCheck, ...] = ()
    limits: tuple[LimitCheck, ...] = ()
    champion: str | None = None
    vouched_by: str = ""


def decide(figures: GateFigures, *, limits: GateLimits, how: Resampling, vouched_by: str = "") -> GateDecision:
    """Decide on a challenger.

    Args:
        figures: of it, and of the champion beside it.
        limits: what is asked for.
        how: of every bootstrap over groups.
        vouched_by: who has compared challenger and champion where the gate can't. It stands in for that comparison
            and for nothing else.
    """
    held_out = HeldOutCheck(
        groups=len(figures.groups), not_held_out=figures.not_held_out, held=not figures.not_held_out
    )
    audits = tuple(_audit(entry, limits) for entry in figures.audits)
    coverage = tuple(_coverage(entry, how) for entry in figures.coverage)
    losses = tuple(_loss(entry, limits, how) for entry in figures.losses)
    found = {entry.what: entry.value for entry in figures.measurements}
    measured = tuple(_limit(what, found[what], limits) for what in Measured if what in found)
    said = [
        (held_out.held, _held_out_sentence(held_out)),
        *((check.held, _audit_sentence(check)) for check in audits),
        *((check.held, _coverage_sentence(check)) for check in coverage),
        *((check.held, _loss_sentence(check, figures.champion)) for check in losses),
        *_on_the_comparison(figures, vouched_by),
        *((check.held, _limit_sentence(check)) for check in measured),
        *((False, f"{what} was not measured") for what in Measured if what not in found),
    ]
    if not coverage:
        said.append((False, "no bound of an unseen victim could be judged"))
    if not audits:
        said.append((False, "no bundle was fitted again without its groups"))
    refusals = tuple(sentence for held, sentence in said if not held)
    return GateDecision(
        promoted=not refusals,
        reasons=tuple(sentence for _, sentence in said),
        refusals=refusals,
        held_out=held_out,
        audits=audits,
        coverage=coverage,
        losses=losses,
        limits=measured,
        champion=figures.champion,
        vouched_by=vouched_by if figures.incomparable else "",
    )


def wilson(share: float, trials: int, confidence: float) -> tuple[float, float]:
    """The score interval of a binomial share (Wilson, 1927).

    Args:
        share: of trials that succeeded, 0 to 1; of groups' coverages, their mean.
        trials: at least one.
        confidence: two-sided.
    """
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    scale = 1.0 + z * z / trials
    centre = (share + z * z / (2.0 * trials)) / scale
    half = z / scale * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def _coverage(found: TierCoverage, how: Resampling) -> CoverageCheck:
    """A row drawn from each group holds or does not: one binomial trial a group, and no more, since rows of one group
    stand and fall together. Where groups are alike the bootstrap knows better, so it decides as well."""
    shares = np.array([group.share for group in found.groups])
    interval = over_groups(lambda drawn: float(shares[drawn].mean()), len(shares), how)
    binomial_lower, binomial_upper = wilson(interval.value, len(shares), how.confidence)
    return CoverageCheck(
        tier=found.tier,
        nominal=found.nominal,
        asked=found.asked,
        coverage=interval.value,
        lower=interval.lower,
        upper=interval.upper,
        binomial_lower=binomial_lower,
        binomial_upper=binomial_upper,
        groups=len(shares),
        held=min(interval.upper, binomial_upper) >= found.nominal >= found.asked,
    )


def _growth(new: tuple[float, ...], old: tuple[float, ...], how: Resampling) -> Interval:
    """Of the mean over groups, as a share of the old one; paired, groups resampled whole. Growth from nothing is 0 or
    1, so that it stays a number."""
    ours, theirs = np.array(new), np.array(old)

    def growth(drawn: NDArray[np.intp]) -> float:
        base, grown = float(theirs[drawn].mean()), float(ours[drawn].mean())
        return (grown - base) / base if base > 0.0 else float(grown > 0.0)

    return over_groups(growth, len(ours), how)


def _audit(found: Audit, limits: GateLimits) -> AuditCheck:
    limit = max(limits.nearness * found.of_whole, _ROUNDING)
    return AuditCheck(
        groups=found.groups,
        distance=found.distance,
        of_whole=found.of_whole,
        limit=limit,
        held=found.distance <= limit,
    )


def _loss(found: PairedLoss, limits: GateLimits, how: Resampling) -> LossCheck:
    interval = _growth(found.challenger, found.champion, how)
    return LossCheck(
        loss=found.loss,
        challenger=float(np.mean(found.challenger)),
        champion=float(np.mean(found.champion)),
        growth=interval.value,
        lower=interval.lower,
        upper=interval.upper,
        groups=len(found.groups),
        held=interval.lower <= 0.0 and interval.value <= limits.worse_by,
    )


def _limit(what: Measured, value: float, limits: GateLimits) -> LimitCheck:
    return LimitCheck(what=what, value=value, limit=limits.of(what), held=value <= limits.of(what))


def _on_the_comparison(figures: GateFigures, vouched_by: str) -> list[tuple[bool, str]]:
    if figures.champion is None:
        return [(True, "there is no champion to compare with")]
    if figures.incomparable and vouched_by:
        return [(True, f"champion {figures.champion} can't be compared ({figures.incomparable}): {vouched_by} vouches")]
    if figures.incomparable:
        return [
            (False, f"champion {figures.champion} can't be compared ({figures.incomparable}): it takes a person's word")
        ]
    return [] if figures.losses else [(False, f"nothing was compared with champion {figures.champion}")]


def _held_out_sentence(check: HeldOutCheck) -> str:
    if check.held:
        return f"each of {check.groups} workload groups has a bundle that was made without it"
    return (
        f"{len(check.not_held_out)} of {check.groups} workload groups were seen by every bundle "
        f"({', '.join(check.not_held_out[:3])}): rows were held out, not workloads"
    )


def _audit_sentence(check: AuditCheck) -> str:
    verdict = "it has not seen them" if check.held else "it has seen them"
    return (
        f"the bundle without {', '.join(check.groups)} is {check.distance:.3g} from one fitted again without, of "
        f"{check.limit:.3g} at most; the one that has seen all is {check.of_whole:.3g} away: {verdict}"
    )


def _coverage_sentence(check: CoverageCheck) -> str:
    verdict = "not below" if min(check.upper, check.binomial_upper) >= check.nominal else "below"
    promise = "" if check.nominal >= check.asked else f", and {check.asked:.1%} was asked for"
    return (
        f"bounds of unseen victims known by {check.tier} hold in {check.coverage:.1%} of rows, the mean of "
        f"{check.groups} groups ({check.lower:.1%} to {check.upper:.1%}; binomial {check.binomial_lower:.1%} to "
        f"{check.binomial_upper:.1%}): {verdict} the stated {check.nominal:.0%} beyond chance{promise}"
    )


def _loss_sentence(check: LossCheck, champion: str | None) -> str:
    verdict = "not worse" if check.held else "worse"
    return (
        f"{check.loss} loss on the same {check.groups} unseen groups is {check.challenger:.4g}, that of champion "
        f"{champion} {check.champion:.4g}, a change of {check.growth:+.1%} "
        f"({check.lower:+.1%} to {check.upper:+.1%}): {verdict}"
    )


def _limit_sentence(check: LimitCheck) -> str:
    verdict = "within" if check.held else "beyond"
    return f"{check.what} {check.value:.3g}: {verdict} {check.limit:.3g}"
