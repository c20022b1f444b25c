"""Figures worked out by hand."""

import numpy as np
import pytest

from contracts.axis import AXES, Axis
from contracts.regime import Threshold
from pipelines.abstention import said
from pipelines.bootstrap import Resampling
from pipelines.errors import DataError
from pipelines.figures import axis_f1, coverage_by_group, figures_of
from pipelines.predictions import HeldOutBounds, HeldOutPredictions, HeldOutRegimes

HOW = Resampling(resamples=100, confidence=0.9, seed=1)


def bounds() -> HeldOutBounds:
    """Group a: three rows of four held; group b: its only row missed; a starved victim of group a under the ceiling."""
    return HeldOutBounds(
        group=np.array(["a", "a", "a", "a", "b"]),
        kind=np.array(["unseen-victim"] * 5),
        tier=np.array(["probed"] * 5),
        trace=np.arange(5),
        slowdown=np.array([1.0, 1.0, 2.0, 10.0, 2.0]),
        censored=np.array([False, False, False, True, False]),
        median=np.array([1.0, 1.1, 2.0, 9.0, 1.0]),
        upper=np.array([1.2, 1.5, 2.0, 9.0, 1.5]),
        beyond_training=np.zeros(5, dtype=np.bool_),
    )


def regimes() -> HeldOutRegimes:
    pressed = np.zeros((4, len(AXES)))
    probability = np.full((4, len(AXES)), np.nan)
    llc, membw = AXES.index(Axis.LLC), AXES.index(Axis.MEMBW)
    pressed[:, llc] = [1, 1, 0, 0]
    probability[:, llc] = [0.9, 0.5, 0.7, 0.1]  # right, missed for being undecided, wrong, rightly clear
    pressed[:, membw] = [0, 0, 1, np.nan]
    probability[:, membw] = [0.1, 0.1, 0.8, 0.9]  # the last has no label
    return HeldOutRegimes(
        group=np.array(["a", "a", "b", "b"]),
        trace=np.arange(4),
        provenance=np.array(["injected", "injected", "injected", "rule"]),
        regime=np.array(["llc", "unknown", "mixed", "quiet"]),
        pressed=pressed,
        probability=probability,
        said=said(probability, Threshold(clear=0.4, pressed=0.6)),
    )


@pytest.fixture
def predictions() -> HeldOutPredictions:
    return HeldOutPredictions(rate=0.8, bounds=bounds(), regimes=regimes())


def test_bounds(predictions: HeldOutPredictions) -> None:
    figures = figures_of(predictions, HOW)
    of = {figure.name: figure for figure in figures.figures}
    assert coverage_by_group(predictions.bounds) == {"a": 0.75, "b": 0.0}
    prefix = "bound.probed.unseen-victim"
    assert of[f"{prefix}.coverage"].value == 0.375
    assert of[f"{prefix}.coverage_pooled"].value == 0.6
    assert of[f"{prefix}.coverage_worst_group"].value == 0.0
    assert of[f"{prefix}.tightness"].value == 1.0
    assert of[f"{prefix}.ceiling"].value == 0.0
    assert of[f"{prefix}.median_error"].value == pytest.approx(0.1)
    assert of[f"{prefix}.coverage"].groups == 2
    assert (of[f"{prefix}.coverage"].lower, of[f"{prefix}.coverage"].upper) == (0.0, 0.75)
    assert not any(name.startswith("bound.counters") for name in of)


def test_regimes(predictions: HeldOutPredictions) -> None:
    figures = figures_of(predictions, HOW)
    assert axis_f1(predictions.regimes) == {"llc": 0.5, "membw": 1.0}
    assert figures.of("regime.macro_f1").value == 0.75
    assert figures.of("regime.macro_f1_injected").value == 0.75
    assert figures.of("regime.macro_f1_decided").value == pytest.approx((2 / 3 + 1.0) / 2)
    assert figures.of("regime.undecided").value == pytest.approx((1 / 4 + 0.0) / 2)
    assert figures.of("regime.abstention").value == 0.25


def test_an_unknown_figure_is_refused_by_name(predictions: HeldOutPredictions) -> None:
    with pytest.raises(DataError, match=r"no held-out figure is named 'regime\.accuracy': there are regime\.macro_f1,"):
        figures_of(predictions, HOW).of("regime.accuracy")
