"""What a bundle says of labelled windows: bounds as before the placement, axes as agents judge them."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FloatArray
from pipelines.errors import DataError
from pipelines.judged import by_axis, said_by
from pipelines.labels import label
from pipelines.settings import TrainingSettings
from serving.bound_model import BoundModel, Bounds
from serving.bundle_directory import Bundle
from serving.errors import BundleError
from serving.interference_row import interference_row, known_workload, worst_pressures_of
from serving.regime_model import RegimeModel

_STRONG = TrainingSettings().injected_intensity
"""Intensity from which a stressor presses its axis."""


class Judge:
    """A bundle in use: its models are loaded once, when they are first asked.

    Args:
        bundle: verified.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._worst = worst_pressures_of([known_workload(profile) for profile in bundle.profiles])

    @property
    def stated_rate(self) -> float:
        """Share of windows that it states its bounds hold for; of several tiers the lowest.

        Raises:
            BundleError: it bounds nothing.
        """
        rates = [calibration.rate for calibration in self.bundle.manifest.bound_calibrations]
        if not rates:
            raise BundleError(
                f"bundle {self.bundle.digest} has no interference model: there is nothing to watch, train another"
            )
        return min(rates)

    def bounds(self, outcomes: Sequence[LabelledTrace], profiles: Mapping[str, WorkloadProfile]) -> Bounds:
        """The population's bounds; of each outcome, in their order.

        Args:
            outcomes: one at least.
            profiles: all that outcomes name, by digest.

        Raises:
            BundleError: the bundle has no interference model.
        """
        named = {party.profile for outcome in outcomes for party in (outcome.victim, *outcome.co_runners)}
        known = {digest: known_workload(profiles[digest]) for digest in named}
        rows = np.stack(
            [
                interference_row(
                    before=outcome.before_values,
                    victim=known[outcome.victim.profile],
                    others=[known[party.profile] for party in outcome.co_runners],
                    worst_pressures=self._worst,
                )
                for outcome in outcomes
            ]
        )
        return self._bound_model.predict(rows, [known[outcome.victim.profile].tier for outcome in outcomes])

    def contradicted(self, windows: Sequence[LabelledTrace], vectors: FloatArray) -> NDArray[np.float64]:
        """Of each window 1 where an axis that the bundle decides is known to be otherwise, 0 where none is, and NaN
        where it decides no axis that anybody knows of.

        Known is what the training would know: injected stressors and operators first, top-down rules else.

        Args:
            windows: one row each, one at least.
            vectors: float32 ``(n, len(schema))``, during each.
        """
        model = self._regime_model
        nobody_knows = np.full(len(windows), np.nan)
        try:
            known = label(windows, intensity=_STRONG, fewest_pressed=0).pressed
        except DataError:  # no axis is known to be clear in any window
            return nobody_knows
        if not model.axes:
            return nobody_knows
        said = said_by(model, by_axis(model.probabilities_of(vectors)))
        judged = np.isin(AXES, model.axes) & ~np.isnan(known) & np.isin(said, (0.0, 1.0))
        wrong = (judged & (said != known)).any(axis=1).astype(np.float64)
        return np.where(judged.any(axis=1), wrong, np.nan)

    @cached_property
    def _bound_model(self) -> BoundModel:
        return BoundModel(self.bundle)

    @cached_property
    def _regime_model(self) -> RegimeModel:
        return RegimeModel(self.bundle)
