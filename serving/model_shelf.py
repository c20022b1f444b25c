"""What a model server hands out of a state directory: who is champion, and bundles as archives."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from serving.bundle_archive import archive_of
from serving.bundle_directory import read_bundle
from serving.champion import Champion, bundle_place, read_champion
from serving.errors import BundleError

KEPT_ARCHIVES = 4
"""The champion's, its predecessor's while nodes change over, and as much again for a rollback meanwhile."""


class ModelShelf:
    """Reads the state directory; any thread may ask.

    Args:
        state: the state directory.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._lock = Lock()
        self._archives: OrderedDict[str, bytes] = OrderedDict()

    def champion(self) -> Champion | None:
        """Who serves now; ``None`` where nobody was promoted.

        Raises:
            BundleError: the champion's file can't be used.
        """
        return read_champion(self._state)

    def archive(self, digest: str) -> bytes | None:
        """A bundle's archive, read and verified once and kept, since a bundle never changes.

        However many nodes ask for a new bundle at once, one of them has it read.

        Args:
            digest: ``sha256:`` and 64 hexadecimal digits.

        Returns:
            ``None`` where there is no such bundle.

        Raises:
            BundleError: it lies there damaged, or is too large to send.
        """
        with self._lock:
            kept = self._archives.pop(digest, None) or self._read(digest)
            if kept is not None:
                self._archives[digest] = kept
            if len(self._archives) > KEPT_ARCHIVES:
                self._archives.popitem(last=False)
            return kept

    def _read(self, digest: str) -> bytes | None:
        place = bundle_place(self._state, digest)
        if not place.is_dir():
            return None
        try:
            read_bundle(place, expected_digest=digest)
            return archive_of(place)
        except OSError as error:
            raise BundleError(f"bundle in {place} can't be read: {error}; see who may read the state") from error
