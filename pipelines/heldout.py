"""Held-out evaluation: everything, models and calibrations, is fitted without a workload group, then asked about it.

predictions = held_out_predictions(dataset, settings)
figures(predictions).of("bound.probed.unseen-victim.coverage")
"""

from pipelines.bootstrap import Resampling
from pipelines.dataset import TraceDataset
from pipelines.figures import HeldOutFigures, figures_of
from pipelines.predictions import HeldOutPredictions, read_predictions, write_predictions
from pipelines.settings import TrainingSettings
from pipelines.training import train
from pipelines.training_data import training_data

__all__ = ["figures", "held_out_predictions", "read_predictions", "write_predictions"]


def held_out_predictions(dataset: TraceDataset, settings: TrainingSettings) -> HeldOutPredictions:
    """What models that have not seen a workload group say of it, for every group.

    Raises:
        DataError: the dataset can't be held out from itself, or too few groups are left to calibrate the rate over.
        ExportError: a graph differs from its model.
    """
    return train(training_data(dataset, settings), settings).predictions


def figures(predictions: HeldOutPredictions, settings: TrainingSettings | None = None) -> HeldOutFigures:
    """Figures with intervals over workload groups; confidence and resamples as in the settings."""
    chosen = settings or TrainingSettings()
    return figures_of(
        predictions, Resampling(resamples=chosen.resamples, confidence=chosen.confidence, seed=chosen.seed)
    )
