"""Follows the registry of models: whoever its alias names is installed in the state directory, and found there.

So there is one way to a champion. Without a registry, as in the embedded use, whoever promotes a model installs it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from serving.errors import BundleError
from serving.mlflow_champion import pull_champion


async def follow_registry(
    state: Path, stop: asyncio.Event, *, tracking_uri: str, period_seconds: float, heard: Callable[[str | None], None]
) -> None:
    """Ask the registry now and then until ``stop`` is set; while it does not answer, the last champion serves on.

    Args:
        state: where champions are installed.
        stop: ends it.
        tracking_uri: of MLflow, over http.
        period_seconds: between two questions, above zero.
        heard: is told what went wrong, or ``None`` where nothing did.
    """
    while not stop.is_set():
        try:
            await asyncio.to_thread(pull_champion, state, tracking_uri=tracking_uri)
            heard(None)
        except (BundleError, OSError) as error:
            heard(str(error))
        try:
            await asyncio.wait_for(stop.wait(), timeout=period_seconds)
        except TimeoutError:
            continue
