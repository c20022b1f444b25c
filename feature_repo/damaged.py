"""Files of history that can't be read: set aside, so that neither a sender nor a join is held up by them.

They keep their place under ``<state>/features/damaged``, for somebody to look at and to delete. The vectors that they
held are lost to joins; what a sender still has and sends again is taken anew.
"""

import logging
from pathlib import Path

from feature_repo.store import Store

_LOGGER = logging.getLogger("leeward.ingest")


def damaged_directory(store: Store) -> Path:
    """Where they lie."""
    return store.directory / "damaged"


def set_aside(store: Store, file: Path, reason: str) -> None:
    """Take a file out of history; under the store's lock.

    Raises:
        OSError: it can't be moved.
    """
    target = damaged_directory(store) / file.relative_to(store.history)
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
    fields = {"file": str(target), "reason": reason}
    _LOGGER.error("damaged-file-set-aside", extra={"fields": fields})


def count_damaged(store: Store) -> int:
    """How many lie there."""
    return sum(1 for _ in damaged_directory(store).rglob("*.parquet"))
