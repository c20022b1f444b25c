"""A regime model whose graphs XGBoost has learnt and onnxmltools converted, of the size that the pipelines train."""

from collections.abc import Sequence

import numpy as np
import xgboost
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from contracts.axis import AXES, Axis
from contracts.bundle import AxisCalibration, Graph, GraphRole, Tensor
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import ONNX_INPUT_NAME, FloatArray
from pipelines.settings import TrainingSettings
from serving.bundle_directory import Bundle
from tests.unit.serving.small_bundle import manifest

_POINTS = np.linspace(0.0, 1.0, 32)


def rows(count: int, *, seed: int) -> FloatArray:
    """Within each feature's range, one value in ten missing; float32 ``(count, len(schema))``."""
    random = np.random.default_rng(seed)
    maxima = [spec.maximum for spec in FEATURE_SCHEMA_V1.features]
    found = random.uniform(0.0, maxima, size=(count, len(maxima))).astype(np.float32)
    found[random.random(found.shape) < 0.1] = np.nan
    return found


def bundle(axes: Sequence[Axis] = AXES) -> Bundle:
    """Regime graphs for some axes, and nothing else, in memory."""
    described = tuple(
        Graph(
            file=f"regime-{axis}.onnx",
            role=GraphRole.REGIME,
            axis=axis,
            input=Tensor(name=ONNX_INPUT_NAME, shape=(None, len(FEATURE_SCHEMA_V1))),
            columns=FEATURE_SCHEMA_V1.names,
            output=Tensor(name="probabilities", shape=(None, 2)),
        )
        for axis in axes
    )
    calibrations = tuple(
        AxisCalibration(
            axis=axis,
            scores=tuple(_POINTS.tolist()),
            probabilities=tuple((_POINTS**2).tolist()),
            clear=0.4,
            pressed=0.6,
        )
        for axis in axes
    )
    return Bundle(
        digest="(in memory)",
        manifest=manifest(graphs=described, axis_calibrations=calibrations, bound_calibrations=()),
        profiles=(),
        graphs={graph.file: _classifier(AXES.index(axis)) for graph, axis in zip(described, axes, strict=True)},
    )


def _classifier(column: int) -> bytes:
    """Pressed where two features are high; as many trees as the pipelines' settings say."""
    size = TrainingSettings().regime
    seen = rows(1500, seed=column)
    full = np.nan_to_num(seen, nan=0.5)
    pressed = full[:, column] + 0.5 * full[:, column + 8] > np.median(full[:, column] + 0.5 * full[:, column + 8])
    model = xgboost.XGBClassifier(
        n_estimators=size.trees, max_depth=size.depth, learning_rate=size.learning_rate, n_jobs=1
    ).fit(seen, pressed)
    kind = FloatTensorType([None, len(FEATURE_SCHEMA_V1)])
    graph = convert_xgboost(model, initial_types=[(ONNX_INPUT_NAME, kind)], target_opset=15)
    return bytes(graph.SerializeToString())
