# ruff: noqa: PLC0415
"""A training becomes a version in MLflow."""

from kfp import dsl


def register(trained: dsl.Input[dsl.Model], registry: str, settings: str) -> str:
    """Register a training; nothing serves it before the gate has said so."""
    from pathlib import Path

    from pipelines.steps import register_step

    return register_step(Path(trained.path), registry, settings)
