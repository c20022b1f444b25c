"""The gate's figures, measured on bundles: what they say of rows that they have not seen, how fast, how large they are.

Challenger and champion are judged on the same rows, and neither has seen the row's workload group: where the champion
was trained with the group, that bundle of it speaks which was made without, and lies beside it in the registry.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from contracts.profile import Tier
from pipelines.audit import audits
from pipelines.family import BundleFamily, predictions_of
from pipelines.folds import workload_groups
from pipelines.gate import GateLimits
from pipelines.gate_figures import (
    GateFigures,
    GroupCoverage,
    Measured,
    Measurement,
    PairedLoss,
    TierCoverage,
)
from pipelines.interference_rows import TIERS
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.bound_model import BoundModel
from serving.bundle_archive import LARGEST_ARCHIVE_BYTES
from serving.bundle_directory import Bundle
from serving.regime_model import RegimeModel

BOUNDED_AT_ONCE = 1000
_REPETITIONS = 20
_ASKED_SECONDS = 0.1


def usual_limits(settings: TrainingSettings) -> GateLimits:
    """What the gate asks for unless it is told otherwise.

    A node's budget for a judgement is 100 us (docs/benchmarks.md); ten times that forgives a slow machine, not a model
    that is ten times too large. The extender may spend 150 ms on a request's bounds, its setting ``budget_seconds``.
    An archive beyond ``LARGEST_ARCHIVE_BYTES`` is refused by nodes.
    """
    return GateLimits(
        worse_by=settings.worse_by,
        regime_seconds=0.001,
        bounds_seconds=0.15,
        bundle_bytes=LARGEST_ARCHIVE_BYTES,
    )


def gate_figures(
    challenger: BundleFamily,
    champion: BundleFamily | None,
    *,
    champion_version: str | None,
    incomparable: str = "",
    data: TrainingData,
    settings: TrainingSettings,
    registered: HeldOutPredictions,
) -> GateFigures:
    """Measure a challenger, and the champion beside it.

    Args:
        challenger, champion: with their siblings; no champion where there is none, or it can't be read.
        champion_version: the registry's number of the champion, if there is one.
        incomparable: why the champion can't be read by this version's contracts; empty where it can.
        data: what both are judged on, the challenger's training data.
        settings: rate, bootstrap and tolerance.
        registered: what the training said of its held-out rows.
    """
    groups = workload_groups(data.dataset.traces)
    unseen = tuple(group for group in groups if challenger.without(group) is not None)
    said = predictions_of(challenger, data, unseen, settings) if unseen else None
    losses: tuple[PairedLoss, ...] = ()
    if champion is not None and said is not None:
        common = tuple(group for group in unseen if champion.without(group) is not None)
        losses = _losses(said, predictions_of(champion, data, common, settings), common, settings) if common else ()
        incomparable = incomparable or ("" if losses else "it has no bundle that is held out from these workloads")
    return GateFigures(
        groups=groups,
        not_held_out=tuple(sorted(set(groups) - set(unseen))),
        audits=audits(challenger, data, settings),
        coverage=() if said is None else _coverage(said.bounds, challenger.whole, settings),
        losses=losses,
        measurements=(
            *(() if said is None else _differences(said, registered)),
            *_latencies(challenger.whole, data),
            Measurement(what=Measured.BUNDLE_BYTES, value=_bytes(challenger.whole)),
        ),
        champion=champion_version,
        incomparable=incomparable,
    )


def _of_unseen_victims(bounds: HeldOutBounds, tier: Tier) -> HeldOutBounds:
    return bounds.only((bounds.tier == tier.value) & (bounds.kind == HeldOutKind.UNSEEN_VICTIM.value))


def _by_group(groups: NDArray[np.str_], values: NDArray[np.float64]) -> dict[str, float]:
    return {group: float(values[groups == group].mean()) for group in np.unique(groups).tolist()}


def _coverage(bounds: HeldOutBounds, whole: Bundle, settings: TrainingSettings) -> tuple[TierCoverage, ...]:
    stated = {calibration.tier: calibration.rate for calibration in whole.manifest.bound_calibrations}
    found = []
    for tier in TIERS:
        chosen = _of_unseen_victims(bounds, tier)
        if len(chosen):
            shares = _by_group(chosen.group, chosen.held.astype(np.float64))
            groups = tuple(GroupCoverage(group=group, share=share) for group, share in shares.items())
            nominal = stated.get(tier, max(stated.values()))
            found.append(TierCoverage(tier=tier, nominal=nominal, asked=settings.rate, groups=groups))
    return tuple(found)


def _losses(
    ours: HeldOutPredictions, theirs: HeldOutPredictions, groups: tuple[str, ...], settings: TrainingSettings
) -> tuple[PairedLoss, ...]:
    """Both losses on groups that neither has seen; no regime loss where the two judge no axis in common."""
    bound = [_by_group(said.bounds.group, pinball(said.bounds, settings.rate)) for said in (ours, theirs)]
    mine, other = (tuple(loss[group] for group in groups) for loss in bound)
    found = [PairedLoss(loss="bound", groups=groups, challenger=mine, champion=other)]
    ours_of_common = np.isin(ours.regimes.group, groups)
    label = ours.regimes.pressed[ours_of_common]
    probabilities = (ours.regimes.probability[ours_of_common], theirs.regimes.probability)
    common = ~np.isnan(label) & ~np.isnan(probabilities[0]) & ~np.isnan(probabilities[1])
    named = np.broadcast_to(theirs.regimes.group[:, None], common.shape)[common]
    if named.size:
        brier = [_by_group(named, ((probability - label) ** 2)[common]) for probability in probabilities]
        names = tuple(brier[0])
        mine, other = (tuple(loss[name] for name in names) for loss in brier)
        found.append(PairedLoss(loss="regime", groups=names, challenger=mine, champion=other))
    return tuple(found)


def pinball(bounds: HeldOutBounds, rate: float) -> NDArray[np.float64]:
    """Pinball loss of each log bound as a ``rate`` quantile of the log slowdown (Koenker and Bassett, 1978)."""
    excess = np.log(bounds.slowdown) - np.log(bounds.upper)
    return np.asarray(np.maximum(rate * excess, (rate - 1.0) * excess))


def _differences(said: HeldOutPredictions, registered: HeldOutPredictions) -> tuple[Measurement, ...]:
    """Nothing where the two are about different rows: what was not measured is refused."""
    found = []
    same_windows = _same(said.regimes, registered.regimes, ("group", "trace"))
    ours, theirs = said.regimes.probability, registered.regimes.probability
    if same_windows and np.array_equal(np.isnan(ours), np.isnan(theirs)):
        worst = float(np.abs(ours - theirs)[~np.isnan(ours)].max(initial=0.0))
        found.append(Measurement(what=Measured.PROBABILITY_DIFFERENCE, value=worst))
    if _same(said.bounds, registered.bounds, ("group", "trace", "tier")):
        pairs = ((said.bounds.median, registered.bounds.median), (said.bounds.upper, registered.bounds.upper))
        worst = max(float(np.abs(now / then - 1.0).max(initial=0.0)) for now, then in pairs)
        found.append(Measurement(what=Measured.SLOWDOWN_DIFFERENCE, value=worst))
    return tuple(found)


def _same(ours: object, theirs: object, columns: tuple[str, ...]) -> bool:
    return all(np.array_equal(getattr(ours, column), getattr(theirs, column)) for column in columns)


def _bytes(bundle: Bundle) -> int:
    """Of all that a node is sent, but for names and padding."""
    documents = (bundle.manifest, *bundle.profiles)
    return sum(map(len, bundle.graphs.values())) + sum(len(document.to_json()) for document in documents)


def _latencies(bundle: Bundle, data: TrainingData) -> tuple[Measurement, ...]:
    regimes, bounds = RegimeModel(bundle), BoundModel(bundle)
    vector = data.windows.vectors[0]
    chosen = np.resize(np.arange(len(data.rows.matrix)), BOUNDED_AT_ONCE)
    rows, tiers = data.rows.matrix[chosen], [Tier(tier) for tier in data.rows.tier[chosen].tolist()]
    return (
        Measurement(what=Measured.REGIME_SECONDS, value=_fastest(lambda: regimes.probabilities(vector))),
        Measurement(what=Measured.BOUNDS_SECONDS, value=_fastest(lambda: bounds.predict(rows, tiers))),
    )


def _fastest(asked: Callable[[], object]) -> float:
    """Of some repetitions: what else runs on the machine makes a model no slower."""
    spent: list[float] = []
    until = time.perf_counter() + _ASKED_SECONDS
    while len(spent) < _REPETITIONS or time.perf_counter() < until:
        began = time.perf_counter()
        asked()
        spent.append(time.perf_counter() - began)
    return min(spent)
