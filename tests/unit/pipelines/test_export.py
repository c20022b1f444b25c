"""The graph says what the model says, or nothing is exported."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import xgboost
from onnx import numpy_helper

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.vector import ONNX_INPUT_NAME
from pipelines.errors import ExportError
from pipelines.export import (
    classifier_to_onnx,
    output_of,
    probes_around,
    quantile_to_onnx,
    refuse_disparity,
)
from pipelines.interference_training import QuantileModel, fit_quantile
from pipelines.regime_training import fit_axis
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.interference_row import INTERFERENCE_COLUMNS


@pytest.fixture(scope="module")
def quantile(data: TrainingData, settings: TrainingSettings) -> QuantileModel:
    return fit_quantile(data.rows, np.ones(len(data.rows.trace), dtype=np.bool_), quantile=0.9, settings=settings)


def test_probes_are_seen_random_holed_and_extreme(data: TrainingData) -> None:
    probes = probes_around(data.rows.matrix)
    assert len(probes) >= 10_000
    assert probes.dtype == np.float32
    assert np.isnan(probes).any(axis=1).sum() > 3_000
    assert np.isnan(probes).all(axis=1).any()
    assert np.isposinf(probes).all(axis=1).any()
    assert np.isneginf(probes).all(axis=1).any()
    assert (probes == 0.0).all(axis=1).any()
    assert (probes == np.float32(1e30)).all(axis=1).any()


def test_a_quantiles_graph_has_one_output_and_chooses_by_what_is_known(
    quantile: QuantileModel, data: TrainingData
) -> None:
    content = quantile_to_onnx(quantile, rows=data.rows.matrix, name="q")
    onnx.checker.check_model(onnx.load_from_string(content))
    assert output_of(content).shape == (None, 1)
    assert quantile.probed is not None
    rows = data.rows.matrix[data.rows.of_tier(Tier.PROBED)]
    as_counters = QuantileModel(counters=quantile.counters, probed=None).predict(rows)
    assert not np.allclose(as_counters, quantile.predict(rows))


def test_no_input_of_a_graph_is_a_sum_over_workloads(quantile: QuantileModel, data: TrainingData) -> None:
    graph = onnx.load_from_string(quantile_to_onnx(quantile, rows=data.rows.matrix, name="q")).graph
    assert [node.name for node in graph.input] == [ONNX_INPUT_NAME]
    columns = INTERFERENCE_COLUMNS
    assert not [column for column in columns if any(word in column for word in ("sum", "total", "mean", "average"))]
    assert {column.split(".")[1] for column in columns if column.startswith("others.")} == {
        "highest",
        "second",
        "count",
    }


def test_the_same_data_and_seed_give_the_same_bytes(data: TrainingData, settings: TrainingSettings) -> None:
    every = np.ones(len(data.rows.trace), dtype=np.bool_)
    once, again = (
        quantile_to_onnx(
            fit_quantile(data.rows, every, quantile=0.5, settings=settings), rows=data.rows.matrix, name="q"
        )
        for _ in range(2)
    )
    assert once == again


def test_operators_are_of_a_pinned_version(quantile: QuantileModel, data: TrainingData) -> None:
    content = quantile_to_onnx(quantile, rows=data.rows.matrix, name="q")
    versions = {entry.domain: entry.version for entry in onnx.load_from_string(content).opset_import}
    assert versions == {"": 17, "ai.onnx.ml": 1}


def test_a_quantile_without_probed_victims_is_exported_too(data: TrainingData, settings: TrainingSettings) -> None:
    blind = fit_quantile(data.rows, data.rows.of_tier(Tier.COUNTERS), quantile=0.5, settings=settings)
    assert output_of(quantile_to_onnx(blind, rows=data.rows.matrix, name="q")).shape == (None, 1)


def test_a_classifiers_last_output_is_its_two_probabilities(data: TrainingData, settings: TrainingSettings) -> None:
    model = fit_axis(data.windows.vectors, data.labels.pressed[:, AXES.index(Axis.LLC)], settings)
    content = classifier_to_onnx(model, rows=data.windows.vectors, name="llc")
    assert output_of(content).shape == (None, 2)
    assert [node.name for node in onnx.load_from_string(content).graph.input] == [ONNX_INPUT_NAME]


def test_a_graph_that_says_something_else_is_refused(quantile: QuantileModel, data: TrainingData) -> None:
    graph = onnx.load_from_string(quantile_to_onnx(quantile, rows=data.rows.matrix, name="q"))
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "nodes_values":
                attribute.floats[0] += 0.5
            if attribute.name == "nodes_values_as_tensor":
                moved = numpy_helper.to_array(attribute.t) + 0.5
                attribute.t.CopyFrom(numpy_helper.from_array(moved))
    with pytest.raises(ExportError, match=r"graph q says .* where its model says .* the conversion is wrong"):
        refuse_disparity(quantile.predict, graph.SerializeToString(), probes=probes_around(data.rows.matrix), name="q")


def test_a_graph_without_an_answer_is_refused(quantile: QuantileModel, data: TrainingData) -> None:
    content = quantile_to_onnx(quantile, rows=data.rows.matrix, name="q")
    with pytest.raises(ExportError, match="graph q says"):
        refuse_disparity(
            lambda rows: np.full(len(rows), np.nan), content, probes=probes_around(data.rows.matrix), name="q"
        )


def test_a_classifier_whose_first_tree_learnt_nothing_is_converted_rightly() -> None:
    blank = np.zeros((40, len(FEATURE_SCHEMA_V1)), dtype=np.float32)
    told = np.random.default_rng(0).random(blank.shape, dtype=np.float32)
    target = np.tile([0.0, 1.0], 20)
    told[:, 0] = target
    parameters = {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 2}
    nothing = xgboost.train(parameters, xgboost.QuantileDMatrix(blank, target), 1)
    model = xgboost.train(parameters, xgboost.QuantileDMatrix(told, target), 3, xgb_model=nothing)
    session = ort.InferenceSession(classifier_to_onnx(model, rows=told, name="regime-lock.onnx"))
    (found,) = session.run([session.get_outputs()[-1].name], {session.get_inputs()[0].name: told})
    assert found[:, 1] == pytest.approx(model.inplace_predict(told), abs=1e-6)
