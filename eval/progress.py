"""Whoever waits is told what is being done."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Takes what is being done, and how much of the work is done, 0 to 1."""


def silent(_: str, __: float) -> None:
    """Nobody wants to know."""
