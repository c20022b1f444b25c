"""XGBoost to ONNX, and proof at every export that the graph says what the model says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from contracts.bundle import Tensor
from contracts.vector import ONNX_INPUT_NAME, FloatArray
from pipelines.errors import ExportError
from pipelines.interference_training import SENSITIVITIES, QuantileModel

if TYPE_CHECKING:
    from onnx import ModelProto
    from xgboost import Booster

PARITY_TOLERANCE = 1e-5
"""Of a probability, and of a logarithm of a slowdown: sums of float32 leaves in another order differ by less."""

_OUTPUT = "log_slowdown"
_OPSET = 17
_CONVERTER_OPSET = 15
_TREES = "ai.onnx.ml"
_IR_VERSION = 10
_RANDOM_ROWS = 128

Predict = Callable[[FloatArray], NDArray[Any]]


def classifier_to_onnx(model: Booster, *, rows: FloatArray, name: str) -> bytes:
    """Convert a binary classifier and check it.

    Args:
        model: of ``binary:logistic``.
        rows: float32 ``(n, columns)``, of the data that it was fitted on: probes are drawn around these.
        name: of the graph, for messages.

    Returns:
        The serialised graph, whose last output is ``(n, 2)``: not pressed, pressed.

    Raises:
        ExportError: graph and model differ on a probe.
    """
    content = bytes(_converted(model, rows.shape[1]).SerializeToString())
    refuse_disparity(model.inplace_predict, content, probes=probes_around(rows), name=name)
    return content


def quantile_to_onnx(model: QuantileModel, *, rows: FloatArray, name: str) -> bytes:
    """Convert one quantile, both its ensembles, and check it; arguments and errors as above.

    Returns:
        The serialised graph, whose only output is ``(n, 1)``.
    """
    content = bytes(_both_tiers(model, rows.shape[1]).SerializeToString())
    refuse_disparity(model.predict, content, probes=probes_around(rows), name=name)
    return content


def output_of(content: bytes) -> Tensor:
    """The output of a converted graph that is read: the last one, since a classifier's first is its decision."""
    tensor = _session(content).get_outputs()[-1]
    return Tensor(name=tensor.name, shape=(None, int(tensor.shape[-1])))


def probes_around(rows: FloatArray) -> FloatArray:
    """Rows that an export is judged by: seen, random, with missing values, all missing, infinite, zero and huge.

    Returns:
        float32 ``(n, columns)``.
    """
    random = np.random.default_rng(0)
    seen = rows[random.integers(0, len(rows), size=_RANDOM_ROWS)]
    spread = random.normal(0.0, 1.0, size=(_RANDOM_ROWS, rows.shape[1])).astype(np.float32)
    holed = np.where(random.random(seen.shape) < 0.3, np.float32(np.nan), seen)
    extremes = [np.full((1, rows.shape[1]), value, dtype=np.float32) for value in (np.nan, np.inf, -np.inf, 0.0, 1e30)]
    return np.concatenate([seen, spread, holed, *extremes]).astype(np.float32)


def refuse_disparity(predict: Predict, content: bytes, *, probes: FloatArray, name: str) -> None:
    """Compare model and graph.

    Raises:
        ExportError: they differ on a probe by more than ``PARITY_TOLERANCE``, or one of them has no answer.
    """
    wanted = np.asarray(predict(probes), dtype=np.float64)
    found = np.asarray(_session(content).run(None, {ONNX_INPUT_NAME: probes})[-1], dtype=np.float64)[:, -1]
    differences = np.abs(found - wanted)
    worst = int(np.argmax(np.where(np.isnan(differences), np.inf, differences)))
    if not differences[worst] <= PARITY_TOLERANCE:
        raise ExportError(
            f"graph {name} says {found[worst]:.6g} where its model says {wanted[worst]:.6g} (probe {worst} of "
            f"{len(probes)}, tolerance {PARITY_TOLERANCE:g}): the conversion is wrong, nothing was exported"
        )


def _converted(model: Booster, columns: int) -> ModelProto:
    import onnxmltools  # noqa: PLC0415
    from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: PLC0415

    kind = FloatTensorType([None, columns])
    converted: ModelProto = onnxmltools.convert_xgboost(
        model, initial_types=[(ONNX_INPUT_NAME, kind)], target_opset=_CONVERTER_OPSET
    )
    return converted


def _both_tiers(model: QuantileModel, columns: int) -> ModelProto:
    """Both ensembles on one input, and a choice between them: rows whose sensitivities are all missing are blind."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415
    from onnx.compose import add_prefix  # noqa: PLC0415

    counters = add_prefix(_converted(model.counters, columns), "counters.", rename_inputs=False)
    parts = [counters]
    nodes = []
    blind_output = counters.graph.output[0].name
    if model.probed is None:
        nodes.append(helper.make_node("Identity", [blind_output], [_OUTPUT]))
    else:
        probed = add_prefix(_converted(model.probed, columns), "probed.", rename_inputs=False)
        parts.append(probed)
        nodes += [
            helper.make_node("Gather", [ONNX_INPUT_NAME, "sensitivities"], ["known"], axis=1),
            helper.make_node("IsNaN", ["known"], ["missing"]),
            helper.make_node("Cast", ["missing"], ["missing_as_number"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMin", ["missing_as_number"], ["all_missing"], axes=[1], keepdims=1),
            helper.make_node("Cast", ["all_missing"], ["blind"], to=TensorProto.BOOL),
            helper.make_node("Where", ["blind", blind_output, probed.graph.output[0].name], [_OUTPUT]),
        ]
    graph = helper.make_graph(
        [node for part in parts for node in part.graph.node] + nodes,
        "slowdown",
        [helper.make_tensor_value_info(ONNX_INPUT_NAME, TensorProto.FLOAT, [None, columns])],
        [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, [None, 1])],
        initializer=[
            *(tensor for part in parts for tensor in part.graph.initializer),
            numpy_helper.from_array(SENSITIVITIES.astype(np.int64), "sensitivities"),
        ],
    )
    trees = next(entry.version for entry in counters.opset_import if entry.domain == _TREES)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_TREES, trees)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def _session(content: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(content, sess_options=options, providers=["CPUExecutionProvider"])
