# ruff: noqa: PLC0415
"""Traces, held to the expectations."""

from kfp import dsl


def validate(
    extracted: dsl.Input[dsl.Dataset], data_docs: dsl.Output[dsl.HTML], bad_rows: dsl.Output[dsl.Dataset]
) -> str:
    """Hold traces to the expectations; fails where one is not met, and keeps the rows that fail it."""
    from pathlib import Path

    from pipelines.steps import validate_step

    return validate_step(Path(extracted.path), data_docs=Path(data_docs.path), bad_rows=Path(bad_rows.path))
