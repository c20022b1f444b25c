# ruff: noqa: PLC0415
"""A version that MLflow has already."""


def find_version(version: str, registry: str) -> str:
    """What was registered under a version's number, or is named by an alias."""
    from pipelines.steps import find_version_step

    return find_version_step(version, registry)
