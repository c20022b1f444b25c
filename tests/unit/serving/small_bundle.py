"""A bundle whose graphs are a few arithmetic nodes, so that every answer can be worked out by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from contracts.axis import AXES, Axis
from contracts.bundle import (
    AxisCalibration,
    BoundCalibration,
    ColumnRange,
    Graph,
    GraphRole,
    Manifest,
    Tensor,
)
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from serving.interference_row import INTERFERENCE_COLUMNS, PRESSURE_COLUMNS

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DATA = "sha256:" + "1" * 64


def profile(
    key: str = "upf", *, pressure: float = 0.2, sensitivity: float | None = None, missing: Sequence[str] = ()
) -> WorkloadProfile:
    """All solo values alike; one response point on the LLC where a sensitivity is given."""
    points = () if sensitivity is None else (ResponsePoint(pressure=1.0, slowdown=sensitivity, upper=sensitivity),)
    return WorkloadProfile(
        key=key,
        tier=Tier.PROBED if points else Tier.COUNTERS,
        solo=tuple(None if name in missing else pressure for name in FEATURE_SCHEMA_V1.names),
        responses=(AxisResponse(axis=Axis.LLC, points=points),) if points else (),
        first_seen=NOW,
        last_seen=NOW,
        simulated=True,
    )


def linear_graph(columns: Sequence[str], weights: Mapping[str, float], *, bias: float, classifier: bool) -> bytes:
    """``bias + sum of weight x column`` with missing columns as zero; as a classifier ``[1 - p, p]`` of its sigmoid."""
    matrix = np.zeros((len(columns), 1), dtype=np.float32)
    for name, weight in weights.items():
        matrix[list(columns).index(name), 0] = weight
    nodes = [
        helper.make_node("IsNaN", ["input"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "input"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["score"]),
    ]
    width = 1
    if classifier:
        width = 2
        nodes += [
            helper.make_node("Sigmoid", ["score"], ["p"]),
            helper.make_node("Sub", ["one", "p"], ["q"]),
            helper.make_node("Concat", ["q", "p"], ["output"], axis=1),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["score"], ["output"]))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, len(columns)])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [None, width])],
        initializer=[
            numpy_helper.from_array(matrix, "weights"),
            numpy_helper.from_array(np.array([bias], dtype=np.float32), "bias"),
            numpy_helper.from_array(np.array([0.0], dtype=np.float32), "zero"),
            numpy_helper.from_array(np.array([1.0], dtype=np.float32), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _described(file: str, role: GraphRole, columns: Sequence[str], width: int, **named: object) -> Graph:
    return Graph.model_validate(
        {
            "file": file,
            "role": role,
            "input": Tensor(name="input", shape=(None, len(columns))),
            "columns": tuple(columns),
            "output": Tensor(name="output", shape=(None, width)),
            **named,
        }
    )


def manifest(**changes: object) -> Manifest:
    """Judges the LLC, bounds by two quantiles, calibrated for two tiers over four groups."""
    fields: dict[str, object] = {
        "name": "leeward",
        "version": "1",
        "created": NOW,
        "simulated": True,
        "training_data": DATA,
        "training_groups": ("a", "b", "c", "d"),
        "graphs": (
            _described("regime-llc.onnx", GraphRole.REGIME, FEATURE_SCHEMA_V1.names, 2, axis=Axis.LLC),
            _described("slowdown-q50.onnx", GraphRole.INTERFERENCE, INTERFERENCE_COLUMNS, 1, quantile=0.5),
            _described("slowdown-q90.onnx", GraphRole.INTERFERENCE, INTERFERENCE_COLUMNS, 1, quantile=0.9),
        ),
        "axis_calibrations": (
            AxisCalibration(
                axis=Axis.LLC, scores=(0.0, 0.5, 1.0), probabilities=(0.0, 0.25, 1.0), clear=0.3, pressed=0.7
            ),
        ),
        "bound_calibrations": (
            BoundCalibration(tier=Tier.COUNTERS, rate=0.8, groups=4, supported_rate=0.8, log_margin=0.5),
            BoundCalibration(tier=Tier.PROBED, rate=0.8, groups=4, supported_rate=0.8, log_margin=0.1),
        ),
        "ceiling": 5.0,
        "pressure_ranges": tuple(
            ColumnRange(column=name, minimum=0.0, maximum=8.0 if name == "others.count" else 0.9)
            for name in PRESSURE_COLUMNS
        ),
    }
    return Manifest.model_validate(fields | changes)


def graphs() -> dict[str, bytes]:
    """The LLC's score is ``sigmoid(10 x l3_miss_ratio - 5)``; log slowdowns rise with the highest co-runner's LLC."""
    regime = linear_graph(FEATURE_SCHEMA_V1.names, {"l3_miss_ratio": 10.0}, bias=-5.0, classifier=True)
    weights = {f"others.highest.{Axis.LLC}": 1.0, f"victim.sensitivity.{Axis.LLC}": 0.05, "others.count": 0.01}
    return {
        "regime-llc.onnx": regime,
        "slowdown-q50.onnx": linear_graph(INTERFERENCE_COLUMNS, weights, bias=0.0, classifier=False),
        "slowdown-q90.onnx": linear_graph(INTERFERENCE_COLUMNS, weights, bias=0.05, classifier=False),
    }


PROFILES = (profile("upf", pressure=0.3), profile("batch", pressure=0.6, sensitivity=1.5))
AXIS_COUNT = len(AXES)
