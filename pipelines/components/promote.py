# ruff: noqa: PLC0415
"""The gate, and the alias."""

from kfp import dsl


def promote(  # noqa: PLR0917 - kfp calls it
    extracted: dsl.Input[dsl.Dataset],
    registration: str,
    state: str,
    registry: str,
    settings: str,
    decision: dsl.Output[dsl.Markdown],
) -> str:
    """Ask the gate about a version and move the alias if it says so; the check stands in here, not before it."""
    from pathlib import Path

    from pipelines.steps import promote_step

    return promote_step(
        Path(extracted.path),
        registration,
        state=Path(state),
        place=registry,
        settings=settings,
        page=Path(decision.path),
    )
