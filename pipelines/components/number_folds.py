# ruff: noqa: PLC0415
"""How many folds the data are cut into, before any of them is fitted."""

from typing import List  # noqa: UP035 - kfp reads this name

from kfp import dsl


def number_folds(extracted: dsl.Input[dsl.Dataset], settings: str) -> List[int]:  # noqa: UP006
    """The folds' positions, for a task each; refuses a dataset that no bundle could be calibrated on."""
    from pathlib import Path

    from pipelines.steps import number_folds_step

    return number_folds_step(Path(extracted.path), settings)
