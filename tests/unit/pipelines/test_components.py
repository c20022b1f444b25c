"""What the steps hand to Kubeflow's page, and folds that are fitted apart."""

import re
from pathlib import Path

import numpy as np
import pytest

from contracts.axis import AXES
from contracts.regime import Regime
from pipelines.confusion import confusion_of
from pipelines.coverage_page import coverage_page
from pipelines.cross_fitting import cross_fit
from pipelines.errors import DataError
from pipelines.fold_fits import WHOLE, fit_parts, parts_of, read_fits, write_fits
from pipelines.predictions import HeldOutRegimes
from pipelines.settings import TrainingSettings
from pipelines.shown import held_out_shown
from pipelines.training import Training, trained_from
from pipelines.training_data import TrainingData


@pytest.fixture(scope="module")
def apart(data: TrainingData, settings: TrainingSettings, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training whose folds were fitted one by one and went through files."""
    directory = tmp_path_factory.mktemp("fits")
    folds = len(data.folds.folds)
    fits = dict(fit_parts(data, [WHOLE], settings))
    for fold in range(folds):
        write_fits(fit_parts(data, parts_of(fold, folds), settings), directory / f"{fold}")
        fits |= read_fits(directory / f"{fold}")
    return trained_from(fits, data, settings)


def test_folds_fitted_apart_give_the_same_held_out_figures_to_the_last_digit(
    apart: Training, training: Training
) -> None:
    assert apart.figures == training.figures
    for name in ("median", "upper"):
        ours, theirs = getattr(apart.predictions.bounds, name), getattr(training.predictions.bounds, name)
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(apart.predictions.regimes.probability, training.predictions.regimes.probability)


@pytest.mark.parametrize("folds", [3, 4, 9, 10])
def test_each_fit_belongs_to_one_fold_and_no_fold_has_many_more_than_another(folds: int) -> None:
    shares = [parts_of(fold, folds) for fold in range(folds)]
    every = [part for share in shares for part in share]
    assert len(every) == len(set(every)) == folds + folds * (folds - 1) // 2
    assert all(fold in part for fold, share in enumerate(shares) for part in share)
    assert max(map(len, shares)) - min(map(len, shares)) <= folds // 2


def test_all_folds_together_fit_what_one_process_fits(data: TrainingData, settings: TrainingSettings) -> None:
    folds = len(data.folds.folds)
    apart = {WHOLE, *(part for fold in range(folds) for part in parts_of(fold, folds))}
    few = settings.model_copy(
        update={
            "regime": settings.regime.model_copy(update={"trees": 1}),
            "interference": settings.interference.model_copy(update={"trees": 1}),
        }
    )
    assert set(cross_fit(data, few)) == apart


def test_torn_fits_are_named(tmp_path: Path) -> None:
    (tmp_path / "fits").write_bytes(b"PK torn")
    with pytest.raises(DataError, match=r"fits are missing or torn: .*; fit that fold again"):
        read_fits(tmp_path / "fits")


def regimes(*windows: tuple[dict[str, float], str]) -> HeldOutRegimes:
    """Windows with some axes' labels, 0 where nothing is said; the axis ``lock`` is not judged."""
    pressed = np.array([[labels.get(axis, 0.0) for axis in AXES] for labels, _ in windows])
    probability = np.where([axis == "lock" for axis in AXES], np.nan, np.full_like(pressed, 0.5))
    return HeldOutRegimes(
        group=np.array(["a"] * len(windows)),
        trace=np.arange(len(windows)),
        provenance=np.array(["rule"] * len(windows)),
        regime=np.array([said for _, said in windows]),
        pressed=pressed,
        probability=probability,
        said=probability,
    )


def test_the_matrix_counts_windows_by_label_and_judgement_in_the_contracts_order() -> None:
    confusion = confusion_of(
        regimes(
            ({}, "quiet"),
            ({"llc": 1.0}, "llc"),
            ({"llc": 1.0}, "unknown"),
            ({"llc": 1.0, "tlb": 1.0}, "llc"),
            ({"llc": 1.0, "tlb": 1.0, "upi": np.nan}, "mixed"),
        )
    )
    assert confusion.regimes == ("quiet", "llc", "mixed", "unknown")
    assert confusion.counts == ((1, 0, 0, 0), (0, 1, 0, 1), (0, 1, 1, 0), (0, 0, 0, 0))
    assert confusion.unlabelled == 0


def test_a_window_whose_unknown_axis_would_decide_is_left_out_but_not_for_an_axis_that_nobody_judges() -> None:
    confusion = confusion_of(regimes(({"llc": 1.0, "upi": np.nan}, "llc"), ({"lock": np.nan}, "quiet")))
    assert confusion.unlabelled == 1
    assert confusion.counts == ((1,),)


def test_the_matrix_of_a_training_has_all_its_labelled_windows(training: Training) -> None:
    confusion = confusion_of(training.predictions.regimes)
    assert sum(map(sum, confusion.counts)) + confusion.unlabelled == len(training.predictions.regimes)
    assert set(confusion.regimes) <= {regime.value for regime in Regime}


def test_the_coverage_page_has_a_dot_for_every_group_and_fetches_nothing(training: Training) -> None:
    page = coverage_page(training.predictions, training.figures)
    plots = page.split("<svg")[1:]
    assert len(plots) == page.count("<h2>") > 0
    for plot in plots:
        assert plot.count("<circle") == 1 + len(re.findall(r">\d\.\d\d of \d+<", plot))
    for group in training.predictions.groups:
        assert f">{group}<" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)


def test_a_group_named_like_markup_stands_on_the_page_as_its_name(training: Training) -> None:
    bounds = training.predictions.bounds
    named = type(bounds)(
        **{
            name: getattr(bounds, name) if name != "group" else np.full(len(bounds), "<b>&co")
            for name in bounds.__dataclass_fields__
        }
    )
    predictions = type(training.predictions)(rate=0.8, bounds=named, regimes=training.predictions.regimes)
    page = coverage_page(predictions, training.figures)
    assert "&lt;b&gt;&amp;co" in page
    assert "<b>&co" not in page


def test_every_figure_is_shown_with_its_interval(training: Training) -> None:
    shown = held_out_shown(training.predictions, training.figures)
    assert len(shown.figures) == 3 * len(training.figures.figures)
    assert all(shown.figures[f"{f.name}.lower"] <= shown.figures[f"{f.name}.upper"] for f in training.figures.figures)
