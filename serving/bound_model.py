"""The bundle's interference model: an upper bound of a victim's slowdown, valid for workloads never seen.

The bound is a predicted quantile widened by a margin that was calibrated over whole workload groups (hierarchical
conformal prediction: Lee, Barber and Willett, "Distribution-free inference with hierarchical data", 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.bundle import BoundCalibration, GraphRole
from contracts.profile import Tier
from contracts.vector import FloatArray
from serving.bundle_directory import Bundle
from serving.errors import BundleError
from serving.graph import LoadedGraph
from serving.interference_row import INTERFERENCE_COLUMNS, KnownWorkload, column_index
from serving.observed_bound import OwnMargin, own_margin

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """What is predicted for some rows.

    Attributes:
        median: float64 ``(n,)``, the middle slowdown, never above ``upper``.
        upper: float64 ``(n,)``, the bound, 1 to the manifest's ceiling.
        beyond_training: bool ``(n,)``, a pressure lies beyond what training saw, so ``upper`` is the ceiling.
    """

    median: DoubleArray
    upper: DoubleArray
    beyond_training: NDArray[np.bool_]


class BoundModel:
    """Bounds slowdowns.

    Raises:
        BundleError: the bundle has no interference graph, or one that can't be used.
    """

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        graphs = sorted(
            (graph.quantile, LoadedGraph(bundle, graph, columns=INTERFERENCE_COLUMNS))
            for graph in manifest.graphs
            if graph.role is GraphRole.INTERFERENCE and graph.quantile is not None
        )
        if not graphs:
            raise BundleError(f"bundle {bundle.digest} has no interference graph: nothing can be bounded with it")
        self._quantiles = np.array([quantile for quantile, _ in graphs])
        self._graphs = [graph for _, graph in graphs]
        self._calibrations = {calibration.tier: calibration for calibration in manifest.bound_calibrations}
        self._ceiling = manifest.ceiling
        self._ranged = column_index([entry.column for entry in manifest.pressure_ranges])
        self._highest = np.array([entry.maximum for entry in manifest.pressure_ranges], dtype=np.float32)

    def calibration(self, tier: Tier) -> BoundCalibration:
        """How the bound of a tier was calibrated; of a tier without one, the widest there is."""
        widest = max(self._calibrations.values(), key=lambda calibration: calibration.log_margin)
        return self._calibrations.get(tier, widest)

    def own_margin(self, tier: Tier, scores: Sequence[float]) -> OwnMargin:
        """A workload's margin, moved from its tier's by what happened to it, see ``serving.observed_bound``.

        Args:
            tier: of its profile before it was observed.
            scores: its own against this bundle, in any order, at least one; ``math.inf`` where it was starved.
        """
        population = self.calibration(tier)
        log_margin = own_margin(scores, population=population.log_margin, rate=population.rate)
        return OwnMargin(log_margin=log_margin, observations=len(scores), moved=log_margin != population.log_margin)

    def predict(self, rows: FloatArray, tiers: Sequence[Tier]) -> Bounds:
        """Bound the slowdown of each row's victim by the population's margin.

        Args:
            rows: float32 ``(n, len(INTERFERENCE_COLUMNS))``, see ``serving.interference_row``.
            tiers: of each row's victim's profile.
        """
        margin = {tier: self.calibration(tier).log_margin for tier in set(tiers)}
        return self._bounded(rows, np.array([margin[tier] for tier in tiers]))

    def predict_known(self, rows: FloatArray, victims: Sequence[KnownWorkload]) -> Bounds:
        """Bound the slowdown of each row's victim by its own margin where it has one, else by its tier's.

        Args:
            rows: as of ``predict``.
            victims: whom each row is of.
        """
        margin = {tier: self.calibration(tier).log_margin for tier in Tier}
        margins = [margin[victim.tier] if victim.own is None else victim.own.log_margin for victim in victims]
        return self._bounded(rows, np.array(margins))

    def log_quantile(self, rows: FloatArray) -> DoubleArray:
        """Logarithm of the highest quantile, float64 ``(n,)``: the bound before any margin, which scores are against.

        Args:
            rows: as of ``predict``.
        """
        return np.asarray(self._logs(rows)[:, -1], dtype=np.float64)

    def beyond_training(self, rows: FloatArray) -> NDArray[np.bool_]:
        """bool ``(n,)``, whether a pressure of a row lies beyond what training saw."""
        return np.asarray((rows[:, self._ranged] > self._highest).any(axis=1))

    def _bounded(self, rows: FloatArray, margins: DoubleArray) -> Bounds:
        logs = self._logs(rows)
        upper = np.clip(np.exp(logs[:, -1] + margins), 1.0, self._ceiling)
        beyond = self.beyond_training(rows)
        upper[beyond] = self._ceiling
        median = np.exp(logs[:, int(np.abs(self._quantiles - 0.5).argmin())])
        return Bounds(median=np.minimum(median, upper), upper=upper, beyond_training=beyond)

    def _logs(self, rows: FloatArray) -> FloatArray:
        """float32 ``(n, quantiles)``, put in order where quantiles cross."""
        return np.sort(np.stack([graph.run(rows) for graph in self._graphs], axis=1), axis=1)
