# ruff: noqa: PLC0415
"""Traces as a campaign left them, before any store knows them."""

from kfp import dsl


def read_traces(traces: str, read: dsl.Output[dsl.Dataset]) -> None:
    """Read all campaigns of a directory and hand them on."""
    from pathlib import Path

    from pipelines.steps import read_traces_step

    read_traces_step(Path(traces), Path(read.path))
