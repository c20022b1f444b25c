"""One period goes into the tests; what they have together may then be an alarm."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from contracts.vector import FloatArray
from eval.watch.betting import mean_factors, rank_factors
from eval.watch.gamblers import threshold
from eval.watch.period import Period
from eval.watch.settings import TESTS, WatchSettings
from eval.watch.shares import Shares
from eval.watch.state import Detection
from eval.watch.strangeness import Reference, p_value, strangeness

_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A test that has seen enough.

    Attributes:
        sentence: for people.
        figures: evidence of each test over what it needs.
    """

    sentence: str
    figures: Mapping[str, float]


def with_period(
    detection: Detection, period: Period, settings: WatchSettings, *, stated: float, end_ns: int
) -> Detection:
    """The tests after a period.

    Args:
        detection: before it.
        period: what it showed.
        settings: of the watch.
        stated: share of windows that the champion states its bounds hold for.
        end_ns: of the period, UTC nanoseconds since 1970.
    """
    days = (end_ns - detection.began_ns) / _DAY_NS
    at_most = 1.0 - stated + settings.coverage_slack
    coverage, failed = detection.coverage.until(days), detection.failed.plus(period.failed)
    if len(failed) >= settings.fewest_groups:
        coverage, failed = coverage.bet(mean_factors(failed.mean, at_most=at_most)), Shares()
    regimes, wrong = detection.regimes.until(days), detection.wrong.plus(period.wrong)
    if len(wrong) >= settings.fewest_groups:
        regimes, wrong = regimes.bet(mean_factors(wrong.mean, at_most=settings.disagreement)), Shares()
    return _with_vectors(
        detection.model_copy(update={"coverage": coverage, "failed": failed, "regimes": regimes, "wrong": wrong}),
        period,
        settings,
        days=days,
    )


def with_reference(detection: Detection, reference: Reference) -> Detection:
    """The vectors' test begins: its calibration days come first."""
    return detection.model_copy(update={"reference": reference, "strange": (), "today": {}, "periods": 0})


def reference_is_due(detection: Detection, settings: WatchSettings, *, closed_ns: int) -> bool:
    """Whether the days of the reference have passed."""
    span = reference_span_ns(settings)
    return detection.reference is None and closed_ns - detection.began_ns >= span


def reference_span_ns(settings: WatchSettings) -> int:
    """How long vectors are looked at for the reference, nanoseconds."""
    return round(settings.reference_days * settings.vector_periods * settings.period_seconds * 1e9)


def alarm_of(detection: Detection, settings: WatchSettings) -> Alarm | None:
    """Whether one of the tests has seen enough."""
    limit = threshold(level=settings.level, horizon_days=settings.horizon_days, tests=TESTS)
    shares = {
        "coverage": detection.coverage.evidence / limit,
        "regimes": detection.regimes.evidence / limit,
        "vectors": detection.vectors.evidence / limit,
    }
    name = max(shares, key=lambda one: shares[one])
    if shares[name] < 1.0:
        return None
    said = {
        "coverage": "bounds hold less often than the champion states",
        "regimes": "regimes contradict what is known to have pressed",
        "vectors": "vectors are stranger than they were",
    }[name]
    return Alarm(sentence=f"{said}, beyond chance at level {settings.level:g}", figures=shares)


def _with_vectors(detection: Detection, period: Period, settings: WatchSettings, *, days: float) -> Detection:
    if detection.reference is None:
        return detection
    today = _with_windows(detection.today, period.nodes, period.vectors, detection.reference)
    if detection.periods + 1 < settings.vector_periods:
        return detection.model_copy(update={"today": today, "periods": detection.periods + 1})
    if not today:
        return detection.model_copy(update={"periods": 0})
    score = float(np.mean([total / windows for total, windows in today.values()]))
    vectors = detection.vectors
    if len(detection.strange) >= settings.calibration_days:
        vectors = vectors.until(days).bet(rank_factors(p_value(score, detection.strange)))
    return detection.model_copy(
        update={"vectors": vectors, "strange": (*detection.strange, score), "today": {}, "periods": 0}
    )


def _with_windows(
    today: Mapping[str, tuple[float, int]], nodes: tuple[str, ...], vectors: FloatArray, reference: Reference
) -> dict[str, tuple[float, int]]:
    sums = dict(today)
    for node, strange in zip(nodes, strangeness(vectors, reference).tolist() if nodes else (), strict=True):
        if not np.isnan(strange):
            total, windows = sums.get(node, (0.0, 0))
            sums[node] = (total + strange, windows + 1)
    return sums
