"""Whether a challenger may serve: its bounds hold on workloads never seen, and it is no worse than the champion there.

Both are judged on the same rows, and neither has seen the row's workload group: where the champion was trained with the
group, that bundle of it speaks which was made without, and lies beside it in the registry. With some ten groups an
interval over groups is wide, so "beyond chance" forgives a good deal; what it can't forgive is a coverage that is below
nominal in almost every resampling, or a loss that has grown in almost every group. A mean loss that has grown by more
than a stated share is refused whatever chance says.
"""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from contracts.model import Document
from contracts.profile import Tier
from pipelines.bootstrap import Resampling, Statistic, over_groups
from pipelines.family import BundleFamily, predictions_of
from pipelines.folds import workload_groups
from pipelines.interference_rows import TIERS
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData


class CoverageCheck(Document):
    """Coverage of unseen victims' bounds, the mean over workload groups, for one tier."""

    tier: Tier
    nominal: float
    coverage: float
    lower: float
    upper: float
    held: bool


class LossCheck(Document):
    """A loss per workload group, challenger and champion on the same rows.

    Attributes:
        loss: ``bound``, the pinball loss of the log bound at the stated rate, which grows with width and with misses;
            or ``regime``, the Brier score of the axes' probabilities.
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
    groups: Annotated[int, Field(ge=1)]
    held: bool


class GateDecision(Document):
    """What was decided, and from which figures.

    Attributes:
        promoted: whether the challenger may serve.
        reasons: in sentences, one a check.
        coverage, losses: the checks; no losses where there was no champion.
        champion: version that the challenger was compared with.
    """

    promoted: bool
    reasons: tuple[str, ...]
    coverage: tuple[CoverageCheck, ...]
    losses: tuple[LossCheck, ...] = ()
    champion: str | None = None


def decide(
    challenger: BundleFamily,
    champion: BundleFamily | None,
    *,
    champion_version: str | None,
    data: TrainingData,
    settings: TrainingSettings,
) -> GateDecision:
    """Decide on a challenger, from what the bundles say here and now.

    Args:
        challenger, champion: with their siblings; without a champion, coverage alone decides.
        champion_version: the registry's number of the champion.
        data: what both are judged on, the challenger's training data.
        settings: rate, bootstrap and tolerance.
    """
    how = Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    groups = tuple(group for group in workload_groups(data.dataset.traces) if challenger.without(group) is not None)
    coverage = _coverage(predictions_of(challenger, data, groups, settings), how) if groups else ()
    reasons = [_coverage_sentence(check) for check in coverage]
    losses: tuple[LossCheck, ...] = ()
    if champion is None:
        reasons.append("there is no champion to compare with")
    else:
        common = tuple(group for group in groups if champion.without(group) is not None)
        losses = _losses(challenger, champion, common, data, settings) if common else ()
        reasons += [_loss_sentence(check, champion_version) for check in losses]
        if not losses:
            reasons.append(f"champion {champion_version} has no bundle that is held out from any of these workloads")
    checks = [check.held for check in coverage] + [check.held for check in losses]
    return GateDecision(
        promoted=bool(coverage) and (champion is None or bool(losses)) and all(checks),
        reasons=tuple(reasons),
        coverage=coverage,
        losses=losses,
        champion=champion_version,
    )


def _coverage(predictions: HeldOutPredictions, how: Resampling) -> tuple[CoverageCheck, ...]:
    bounds = predictions.bounds
    checks = []
    for tier in TIERS:
        chosen = bounds.only((bounds.tier == tier.value) & (bounds.kind == HeldOutKind.UNSEEN_VICTIM.value))
        if not len(chosen):
            continue
        held = np.array([chosen.held[chosen.group == group].mean() for group in np.unique(chosen.group)])
        interval = over_groups(_mean_of(held), len(held), how)
        checks.append(
            CoverageCheck(
                tier=tier,
                nominal=predictions.rate,
                coverage=interval.value,
                lower=interval.lower,
                upper=interval.upper,
                held=interval.upper >= predictions.rate,
            )
        )
    return tuple(checks)


def _mean_of(values: NDArray[np.float64]) -> Statistic:
    return lambda drawn: float(values[drawn].mean())


def _losses(
    challenger: BundleFamily,
    champion: BundleFamily,
    groups: tuple[str, ...],
    data: TrainingData,
    settings: TrainingSettings,
) -> tuple[LossCheck, ...]:
    """Both losses on groups that neither has seen; no regime loss where the two judge no axis in common."""
    ours, theirs = (predictions_of(family, data, groups, settings) for family in (challenger, champion))
    checks = [
        _loss_check(
            "bound",
            np.array([_pinball(ours.bounds.only(ours.bounds.group == group), settings.rate) for group in groups]),
            np.array([_pinball(theirs.bounds.only(theirs.bounds.group == group), settings.rate) for group in groups]),
            settings,
        )
    ]
    label = ours.regimes.pressed
    common = ~np.isnan(label) & ~np.isnan(ours.regimes.probability) & ~np.isnan(theirs.regimes.probability)
    rows = [common & (ours.regimes.group == group)[:, None] for group in groups]
    rows = [chosen for chosen in rows if chosen.any()]
    if rows:
        squares = [(family.regimes.probability - label) ** 2 for family in (ours, theirs)]
        mine, other = (np.array([float(square[chosen].mean()) for chosen in rows]) for square in squares)
        checks.append(_loss_check("regime", mine, other, settings))
    return tuple(checks)


def _pinball(bounds: HeldOutBounds, rate: float) -> float:
    """Mean pinball loss of the log bound as a ``rate`` quantile of the log slowdown (Koenker and Bassett, 1978)."""
    excess = np.log(bounds.slowdown) - np.log(bounds.upper)
    return float(np.mean(np.maximum(rate * excess, (rate - 1.0) * excess)))


def _loss_check(
    loss: str, challenger: NDArray[np.float64], champion: NDArray[np.float64], settings: TrainingSettings
) -> LossCheck:
    def growth(drawn: NDArray[np.intp]) -> float:
        base = float(champion[drawn].mean())
        return float(challenger[drawn].mean() - base) / base if base > 0.0 else 0.0

    how = Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    interval = over_groups(growth, len(challenger), how)
    return LossCheck(
        loss=loss,
        challenger=float(challenger.mean()),
        champion=float(champion.mean()),
        growth=interval.value,
        lower=interval.lower,
        upper=interval.upper,
        groups=len(challenger),
        held=interval.lower <= 0.0 and interval.value <= settings.worse_by,
    )


def _coverage_sentence(check: CoverageCheck) -> str:
    verdict = "not below" if check.held else "below"
    return (
        f"bounds of unseen victims known by {check.tier} hold in {check.coverage:.1%} of rows, a group's mean "
        f"({check.lower:.1%} to {check.upper:.1%}): {verdict} the stated {check.nominal:.0%} beyond chance"
    )


def _loss_sentence(check: LossCheck, champion: str | None) -> str:
    verdict = "not worse" if check.held else "worse"
    return (
        f"{check.loss} loss on the same {check.groups} unseen groups is {check.challenger:.4g}, that of champion "
        f"{champion} {check.champion:.4g}, a change of {check.growth:+.1%} "
        f"({check.lower:+.1%} to {check.upper:+.1%}): {verdict}"
    )
