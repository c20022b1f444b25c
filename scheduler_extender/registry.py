"""Follows the registry of models: whoever its alias names is installed in the state directory, and found there.

So there is one way to a champion. Without a registry, as in the embedded use, whoever promotes a model installs it.
"""

import asyncio
from pathlib import Path

from scheduler_extender.service import Extender
from serving.errors import BundleError
from serving.mlflow_champion import pull_champion


async def follow_registry(extender: Extender, state: Path, stop: asyncio.Event, *, tracking_uri: str) -> None:
    """Ask the registry now and then until ``stop`` is set; while it does not answer, the last champion serves on.

    Args:
        extender: is told what went wrong, or that nothing did.
        state: where champions are installed.
        stop: ends it.
        tracking_uri: of MLflow, over http.
    """
    while not stop.is_set():
        try:
            await asyncio.to_thread(pull_champion, state, tracking_uri=tracking_uri)
            extender.heard_from_registry()
        except (BundleError, OSError) as error:
            extender.heard_from_registry(complaint=str(error))
        try:
            await asyncio.wait_for(stop.wait(), timeout=extender.settings.registry_seconds)
        except TimeoutError:
            continue
