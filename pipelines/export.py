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
from pipelines.interference_training import QuantileModel
from pipelines.tree_inputs import COUNTERS_INDEX, HIGHEST, PROBED_INDEX, SENSITIVITIES, TreeInputs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto
    from xgboost import Booster

PARITY_TOLERANCE = 1e-5
"""Of a probability, and of a logarithm of a slowdown, where it is one of 1e-4 of the slowdown at the ceiling of ten:
sums of float32 leaves in another order differ by less."""

_CLASSIFIER = "pressed"
"""Of the graph: the converter names it at random, and the same model is to be the same bytes."""

_OUTPUT = "log_slowdown"
_OPSET = 17
_CONVERTER_OPSET = 15
_TREES = "ai.onnx.ml"
_IR_VERSION = 10
_ROWS_OF_A_KIND = 3_334
"""Of seen, of random and of holed rows: ten thousand probes in all."""

Predict = Callable[[FloatArray], NDArray[Any]]


def classifier_to_onnx(model: Booster, *, rows: FloatArray, name: str) -> bytes:
    """Convert a binary classifier and check it.

    Args:
        model: of ``binary:logistic``, with a base score of one half: log-odds of zero.
        rows: float32 ``(n, columns)``, of the data that it was fitted on: probes are drawn around these.
        name: of the graph, for messages.

    Returns:
        The serialised graph, whose last output is ``(n, 2)``: not pressed, pressed.

    Raises:
        ExportError: graph and model differ on a probe.
    """
    converted = _converted(model, rows.shape[1])
    converted.graph.name = _CLASSIFIER
    _forget_base_values(converted)
    content = bytes(converted.SerializeToString())
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
    seen = rows[random.integers(0, len(rows), size=_ROWS_OF_A_KIND)]
    spread = random.normal(0.0, 1.0, size=(_ROWS_OF_A_KIND, rows.shape[1])).astype(np.float32)
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


def _forget_base_values(converted: ModelProto) -> None:
    """Where a first tree is a bare leaf of zero, the converter adds the base score itself, not its log-odds."""
    for node in converted.graph.node:
        if node.op_type == "TreeEnsembleClassifier":
            kept = [attribute for attribute in node.attribute if attribute.name != "base_values"]
            del node.attribute[:]
            node.attribute.extend(kept)


def _both_tiers(model: QuantileModel, columns: int) -> ModelProto:
    """Both ensembles behind one input, and a choice between them: rows without any sensitivity are blind."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    prepared = _prepared(model.inputs)
    ensembles = [_ensemble(model.counters, len(COUNTERS_INDEX), prefix="counters.")]
    choice = [helper.make_node("Identity", [_said(ensembles[0])], [_OUTPUT])]
    if model.probed is not None:
        ensembles.append(_ensemble(model.probed, int(model.probed.num_features()), prefix="probed."))
        choice = [
            helper.make_node("Gather", [ONNX_INPUT_NAME, "sensitivities"], ["known"], axis=1),
            helper.make_node("IsNaN", ["known"], ["unprobed"]),
            helper.make_node("Cast", ["unprobed"], ["unprobed_as_number"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMin", ["unprobed_as_number"], ["all_unprobed"], axes=[1], keepdims=1),
            helper.make_node("Cast", ["all_unprobed"], ["blind"], to=TensorProto.BOOL),
            helper.make_node("Where", ["blind", *map(_said, ensembles)], [_OUTPUT]),
        ]
    graph = helper.make_graph(
        [*prepared.node, *(node for part in ensembles for node in part.graph.node), *choice],
        "slowdown",
        [helper.make_tensor_value_info(ONNX_INPUT_NAME, TensorProto.FLOAT, [None, columns])],
        [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, [None, 1])],
        initializer=[*prepared.initializer, *(tensor for part in ensembles for tensor in part.graph.initializer)],
    )
    trees = next(entry.version for entry in ensembles[0].opset_import if entry.domain == _TREES)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_TREES, trees)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def _ensemble(model: Booster, columns: int, *, prefix: str) -> ModelProto:
    from onnx.compose import add_prefix  # noqa: PLC0415

    return add_prefix(_converted(model, columns), prefix, rename_inputs=True)


def _said(ensemble: ModelProto) -> str:
    return str(ensemble.graph.output[0].name)


def _prepared(inputs: TreeInputs) -> GraphProto:
    """``TreeInputs`` as operators, in the same order of sums, so that no value lands on another side of a split."""
    from onnx import helper, numpy_helper  # noqa: PLC0415

    constants: dict[str, NDArray[Any]] = {
        "stand_ins": inputs.stand_ins,
        "full": inputs.full,
        "zero": np.zeros(1, dtype=np.float32),
        "one": np.ones(1, dtype=np.float32),
        "sensitivities": SENSITIVITIES.astype(np.int64),
        "highest": HIGHEST.astype(np.int64),
        "seen_of_counters": COUNTERS_INDEX.astype(np.int64),
        "seen_of_probed": PROBED_INDEX.astype(np.int64),
    }
    axes = range(len(SENSITIVITIES))
    sums = ["answer_0", *(f"answers_to_{axis}" for axis in axes[1:])]
    nodes = [
        helper.make_node("IsNaN", [ONNX_INPUT_NAME], ["missing"]),
        helper.make_node("Where", ["missing", "stand_ins", ONNX_INPUT_NAME], ["filled"]),
        helper.make_node("Gather", ["filled", "seen_of_counters"], [f"counters.{ONNX_INPUT_NAME}"], axis=1),
        helper.make_node("Gather", ["filled", "seen_of_probed"], ["rising"], axis=1),
        helper.make_node("Gather", ["filled", "sensitivities"], ["sensitivity"], axis=1),
        helper.make_node("Max", ["sensitivity", "one"], ["slower"]),
        helper.make_node("Sub", ["slower", "one"], ["excess"]),
        helper.make_node("Gather", ["filled", "highest"], ["pressure"], axis=1),
        helper.make_node("Mul", ["pressure", "full"], ["share"]),
        helper.make_node("Max", ["share", "zero"], ["share_above_zero"]),
        helper.make_node("Min", ["share_above_zero", "one"], ["pressed"]),
        helper.make_node("Mul", ["excess", "pressed"], ["answers"]),
        helper.make_node("ReduceMax", ["answers"], ["highest_answer"], axes=[1], keepdims=1),
        helper.make_node("Split", ["answers"], [f"answer_{axis}" for axis in axes], axis=1),
        *(helper.make_node("Add", [sums[axis - 1], f"answer_{axis}"], [sums[axis]]) for axis in axes[1:]),
        helper.make_node(
            "Concat", ["rising", "answers", "highest_answer", sums[-1]], [f"probed.{ONNX_INPUT_NAME}"], axis=1
        ),
    ]
    return helper.make_graph(
        nodes, "prepared", [], [], [numpy_helper.from_array(value, name) for name, value in constants.items()]
    )


def _session(content: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(content, sess_options=options, providers=["CPUExecutionProvider"])
