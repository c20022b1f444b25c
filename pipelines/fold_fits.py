"""A training's fits fold by fold, so that each fold can be fitted by a process of its own.

A fit that two folds are held out from belongs to one of them alone, so that no two processes make the same one, and
each makes about as many as the others. Fits travel in one archive a fold, as XGBoost's own documents: never pickled.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.axis import Axis
from pipelines.boosting import Boosting, boosted_here
from pipelines.cross_fitting import FittedModels, HeldOut, fit_part, parts_of_folds
from pipelines.errors import DataError
from pipelines.interference_training import QuantileModel
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData

if TYPE_CHECKING:
    from xgboost import Booster

WHOLE: HeldOut = frozenset()
"""Held out from nothing."""

_SUFFIX = ".ubj"
_NEVER = (1980, 1, 1, 0, 0, 0)
"""An archive's date of all its entries, so that the same fits make the same bytes."""


def parts_of(fold: int, folds: int) -> tuple[HeldOut, ...]:
    """What a fold's process fits: without the fold, and without it and some others."""
    return tuple(part for part in parts_of_folds(folds) if part and _owner(part) == fold)


def _owner(part: HeldOut) -> int:
    """The lower of two folds where they are an even number of folds apart, else the higher."""
    lower, higher = min(part), max(part)
    return lower if (higher - lower) % 2 == 0 else higher


def fit_parts(
    data: TrainingData, parts: Iterable[HeldOut], settings: TrainingSettings, boosting: Boosting = boosted_here
) -> Mapping[HeldOut, FittedModels]:
    """Fit some parts, one after the other; ``boosting`` says who fits."""
    return {part: fit_part(data, part, settings, boosting) for part in parts}


def write_fits(fits: Mapping[HeldOut, FittedModels], file: Path) -> None:
    """Write fits as one archive, which is made with its directory."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for part, models in fits.items():
            for name, booster in _named(models):
                entry = zipfile.ZipInfo(f"{'+'.join(map(str, sorted(part)))}/{name}{_SUFFIX}", _NEVER)
                archive.writestr(entry, bytes(booster.save_raw("ubj")))


def read_fits(file: Path) -> Mapping[HeldOut, FittedModels]:
    """Read an archive of fits.

    Raises:
        DataError: it is missing or torn.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            boosters = {name.removesuffix(_SUFFIX): _booster(archive.read(name)) for name in archive.namelist()}
    except (FileNotFoundError, zipfile.BadZipFile) as error:
        raise DataError(f"the fits in {file} are missing or torn: {error}; fit that fold again") from error
    parts = {name.split("/", 1)[0]: None for name in boosters}
    return {frozenset(map(int, part.split("+"))): _models(boosters, part) for part in parts}


def _named(models: FittedModels) -> Iterator[tuple[str, Booster]]:
    for axis, booster in models.axes.items():
        yield f"axis/{axis}", booster
    for quantile, model in models.quantiles.items():
        for tier in fields(QuantileModel):
            fitted = getattr(model, tier.name)
            if fitted is not None:
                yield f"quantile/{quantile!r}/{tier.name}", fitted


def _models(boosters: Mapping[str, Booster], part: str) -> FittedModels:
    own = {name.removeprefix(f"{part}/"): booster for name, booster in boosters.items() if name.startswith(f"{part}/")}
    quantiles: dict[float, dict[str, Any]] = {}
    for name, booster in own.items():
        kind, *place = name.split("/")
        if kind == "quantile":
            absent: dict[str, Any] = {tier.name: None for tier in fields(QuantileModel)}
            quantiles.setdefault(float(place[0]), absent)[place[1]] = booster
    return FittedModels(
        axes={Axis(name.removeprefix("axis/")): booster for name, booster in own.items() if name.startswith("axis/")},
        quantiles={quantile: QuantileModel(**tiers) for quantile, tiers in quantiles.items()},
    )


def _booster(document: bytes) -> Booster:
    from xgboost import Booster  # noqa: PLC0415

    return Booster(model_file=bytearray(document))
