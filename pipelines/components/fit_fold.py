# ruff: noqa: PLC0415
"""One fold's share of a training's fits, in a process of its own."""

from kfp import dsl


def fit_fold(
    extracted: dsl.Input[dsl.Dataset], settings: str, engine: str, fold: int, fits: dsl.Output[dsl.Model]
) -> None:
    """Fit without the fold, and without it and each of half the others."""
    from pathlib import Path

    from pipelines.steps import fit_fold_step

    fit_fold_step(Path(extracted.path), settings, fold, Path(fits.path), engine=engine)
