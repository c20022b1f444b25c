"""Whether a bundle that is said to be held out was: its median is fitted again without the groups, and compared.

Manifests are written by the code that held out, so they repeat its mistakes. Here the rows are chosen anew, by the
names of their parties. A training is deterministic, so an honest bundle says what the new fit says; one that has seen
the groups after all says what the bundle says that has seen everything.
"""

import numpy as np
from numpy.typing import NDArray

from contracts.vector import FloatArray
from pipelines.family import BundleFamily
from pipelines.folds import workload_groups
from pipelines.gate_figures import Audit
from pipelines.interference_training import fit_quantile
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.bundle_directory import Bundle
from serving.graph import LoadedGraph
from serving.interference_row import INTERFERENCE_COLUMNS

AUDITED = 2
"""Bundles a training; one that holds out by row does so in all of them."""


def audits(
    family: BundleFamily, data: TrainingData, settings: TrainingSettings, *, at_most: int = AUDITED
) -> tuple[Audit, ...]:
    """Fit some of the held-out bundles again. Which, the digest of the whole one decides, so that nobody chooses.

    Args:
        family: the bundles.
        data: that they were trained on.
        settings: that they were trained with.
        at_most: so many bundles.
    """
    everybody = set(workload_groups(data.dataset.traces))
    unseen = [(bundle, everybody - set(bundle.manifest.training_groups)) for bundle in family.held_out]
    held_out = [(bundle, groups) for bundle, groups in unseen if groups]
    random = np.random.default_rng(int.from_bytes(family.whole.digest.encode()))
    drawn = random.permutation(len(held_out))[:at_most]
    return tuple(
        _audit(bundle, family.whole, groups=groups, data=data, settings=settings)
        for bundle, groups in (held_out[index] for index in sorted(drawn.tolist()))
    )


def _audit(bundle: Bundle, whole: Bundle, *, groups: set[str], data: TrainingData, settings: TrainingSettings) -> Audit:
    meets = np.array([not groups.isdisjoint(trace.groups) for trace in data.dataset.traces])[data.rows.trace]
    rows = data.rows.matrix[meets]
    honest = fit_quantile(data.rows, ~meets, quantile=settings.median, settings=settings).predict(rows)
    distances = [float(np.abs(_log_median(one, rows) - honest).mean()) for one in (bundle, whole)]
    return Audit(groups=tuple(sorted(groups)), distance=distances[0], of_whole=distances[1])


def _log_median(bundle: Bundle, rows: FloatArray) -> NDArray[np.float64]:
    """The graph's own, which no margin, ceiling or other quantile has touched."""
    interference = [graph for graph in bundle.manifest.graphs if graph.quantile is not None]
    median = min(interference, key=lambda graph: abs((graph.quantile or 0.0) - 0.5))
    return LoadedGraph(bundle, median, columns=INTERFERENCE_COLUMNS).run(rows)
