"""The classifier's probabilities, worked out by hand."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from contracts.bundle import AxisCalibration
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import Regime, Threshold, judge
from serving.bundle_directory import Bundle, read_bundle, write_bundle
from serving.errors import BundleError
from serving.regime_model import RegimeModel, calibrated, calibrated_score
from tests.unit.serving.small_bundle import PROFILES, graphs, linear_graph, manifest


def bundle_with(tmp_path: Path, **changed: bytes) -> Bundle:
    files = graphs() | {name.replace("_", "-") + ".onnx": content for name, content in changed.items()}
    write_bundle(tmp_path / "bundle", manifest=manifest(), graphs=files, profiles=PROFILES)
    return read_bundle(tmp_path / "bundle")


def values(**named: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.full(len(FEATURE_SCHEMA_V1), 0.1, dtype=np.float32)
    for name, value in named.items():
        vector[FEATURE_SCHEMA_V1.names.index(name)] = value
    return vector


@st.composite
def tables(draw: st.DrawFn) -> AxisCalibration:
    scores = draw(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=40, unique=True))
    probabilities = draw(st.lists(st.floats(0, 1), min_size=len(scores), max_size=len(scores)))
    return AxisCalibration(
        axis=Axis.LLC, scores=tuple(sorted(scores)), probabilities=tuple(sorted(probabilities)), clear=0.4, pressed=0.6
    )


def test_probability_is_the_calibrated_score(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    score = 1 / (1 + math.exp(-(10 * 0.7 - 5)))
    expected = 0.25 + (score - 0.5) / 0.5 * 0.75
    assert model.probabilities(values(l3_miss_ratio=0.7))[Axis.LLC] == pytest.approx(expected, abs=1e-6)


def test_judges_only_the_axes_it_was_trained_on(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    assert model.axes == (Axis.LLC,)
    assert model.thresholds == {Axis.LLC: Threshold(clear=0.3, pressed=0.7)}


def test_its_answer_goes_through_the_contracts_rule(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    probabilities = model.probabilities(values(l3_miss_ratio=1.0))
    judged = judge(probabilities, present_features=30, characterised=True, thresholds=model.thresholds)
    assert judged.regime is Regime.LLC


def test_a_missing_value_is_passed_on_as_missing(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    low = 1 / (1 + math.exp(5))
    assert model.probabilities(values(l3_miss_ratio=math.nan))[Axis.LLC] == pytest.approx(low * 0.5, abs=1e-6)


def test_an_axis_that_no_feature_reveals_is_not_judged_and_makes_nothing_quiet(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    blind = values()
    blind[[Axis.LLC in spec.axes for spec in FEATURE_SCHEMA_V1.features]] = math.nan
    assert model.probabilities(blind) == {}
    assert np.isnan(model.probabilities_of(blind[None])[Axis.LLC]).all()
    assert judge({}, present_features=20, characterised=True).regime is Regime.UNKNOWN


def test_one_feature_that_reveals_an_axis_is_enough_to_judge_it(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    for index, spec in enumerate(FEATURE_SCHEMA_V1.features):
        row = np.full(len(FEATURE_SCHEMA_V1), np.nan, dtype=np.float32)
        row[index] = spec.minimum
        assert (Axis.LLC in model.probabilities(row)) is (Axis.LLC in spec.axes)


def test_a_graph_of_other_width_is_refused(tmp_path: Path) -> None:
    narrow = linear_graph(FEATURE_SCHEMA_V1.names[:-1], {}, bias=0.0, classifier=True)
    with pytest.raises(BundleError, match=r"regime-llc.onnx .* not float32 of"):
        RegimeModel(bundle_with(tmp_path, regime_llc=narrow))


def test_a_graph_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"regime-llc.onnx of bundle sha256:.* can't be loaded by ONNX Runtime"):
        RegimeModel(bundle_with(tmp_path, regime_llc=b"no graph"))


def test_a_graph_that_loads_and_does_not_answer_as_meant_is_refused(tmp_path: Path) -> None:
    one_wide = linear_graph(FEATURE_SCHEMA_V1.names, {}, bias=0.0, classifier=False)
    with pytest.raises(BundleError, match=r"answers two rows of missing values with shape \(2,\).*\(2, 2\) are meant"):
        RegimeModel(bundle_with(tmp_path, regime_llc=one_wide))


def test_a_graph_that_answers_no_number_is_refused(tmp_path: Path) -> None:
    no_number = linear_graph(FEATURE_SCHEMA_V1.names, {}, bias=math.nan, classifier=True)
    with pytest.raises(BundleError, match="finite: False"):
        RegimeModel(bundle_with(tmp_path, regime_llc=no_number))


def test_one_vector_gets_what_it_gets_among_many(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    rows = np.random.default_rng(0).uniform(0.0, 1.2, (50, len(FEATURE_SCHEMA_V1))).astype(np.float32)
    rows[rows > 1.0] = np.nan
    many = model.probabilities_of(rows)[Axis.LLC]
    assert [model.probabilities(row)[Axis.LLC] for row in rows] == many.tolist()


def test_several_threads_get_their_own_answers(tmp_path: Path) -> None:
    model = RegimeModel(bundle_with(tmp_path))
    rows = [values(l3_miss_ratio=ratio) for ratio in np.linspace(0.0, 1.0, 200)]
    alone = [model.probabilities(row) for row in rows]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(model.probabilities, rows)) == alone


def test_an_answer_of_another_type_is_refused(tmp_path: Path) -> None:
    double = onnx.load_from_string(graphs()["regime-llc.onnx"])
    double.graph.node[-1].output[0] = "narrow"
    double.graph.node.append(onnx.helper.make_node("Cast", ["narrow"], ["output"], to=onnx.TensorProto.DOUBLE))
    double.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    with pytest.raises(BundleError, match=r"regime-llc.onnx .* does not answer float32 of shape \(1, 2\)"):
        RegimeModel(bundle_with(tmp_path, regime_llc=double.SerializeToString()))


def test_a_graph_whose_names_are_damaged_is_refused(tmp_path: Path) -> None:
    """ONNX Runtime's own message quotes the bytes, and Python can't decode it."""
    graph = onnx.load_from_string(graphs()["regime-llc.onnx"])
    operator = graph.graph.node[0].op_type.encode()
    damaged = graph.SerializeToString().replace(operator, operator[:-1] + b"\xf1")
    with pytest.raises(BundleError, match=r"graph regime-llc.onnx .* can't be loaded by ONNX Runtime"):
        RegimeModel(bundle_with(tmp_path, regime_llc=damaged))


@given(st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.5, 1.0]))
def test_calibration_of_one_score_is_that_of_many(score: float) -> None:
    (calibration,) = manifest().axis_calibrations
    assert calibrated_score(score, calibration) == calibrated(np.array([score]), calibration)[0]


@given(tables(), st.floats(0, 1, width=32))
def test_calibration_of_one_score_is_that_of_many_for_any_table(table: AxisCalibration, score: float) -> None:
    assert calibrated_score(score, table) == pytest.approx(
        calibrated(np.array([score]), table)[0], rel=1e-15, abs=1e-300
    )


def test_a_score_that_is_no_number_has_no_probability() -> None:
    (calibration,) = manifest().axis_calibrations
    assert math.isnan(calibrated_score(math.nan, calibration))
    assert math.isnan(calibrated(np.array([math.nan]), calibration)[0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_calibration_keeps_the_order_of_scores(scores: list[float]) -> None:
    (calibration,) = manifest().axis_calibrations
    rising = np.sort(np.array(scores))
    answers = calibrated(rising, calibration)
    assert ((answers >= 0) & (answers <= 1)).all()
    assert (np.diff(answers) >= 0).all()
