# ruff: noqa: PLC0415
"""Traces, joined with the feature store as of then."""

from kfp import dsl


def extract(traces: str, state: str, extracted: dsl.Output[dsl.Dataset], engine: str = "{}") -> None:
    """Read traces, check their vectors and profiles against the feature store, and hand them on."""
    from pathlib import Path

    from pipelines.steps import extract_step

    extract_step(Path(traces), Path(state), Path(extracted.path), engine=engine)
