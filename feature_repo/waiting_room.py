"""How many may wait for the store, and what they may bring: it bounds memory, and how long anyone waits."""

from collections.abc import Iterator
from contextlib import contextmanager

from feature_repo.errors import FeatureRepositoryError

MOST_BATCHES = 4096
MOST_BYTES = 32 << 20
"""Of bodies received or being received: some 65,000 vectors, which take five to ten seconds to write."""


class FullError(FeatureRepositoryError):
    """Whoever comes now is asked to come again; its spool keeps the vectors."""


class WaitingRoom:
    """Batches that were let in and are not answered yet. Used on one event loop.

    Attributes:
        batches: how many.
        size_bytes: of their bodies, as far as they have arrived.
    """

    def __init__(self, *, most_batches: int = MOST_BATCHES, most_bytes: int = MOST_BYTES) -> None:
        self._most_batches = most_batches
        self._most_bytes = most_bytes
        self.batches = 0
        self.size_bytes = 0

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """A batch's place while it is received and written.

        Raises:
            FullError: there is none.
        """
        if self.batches >= self._most_batches:
            raise FullError(f"{self._most_batches} batches are being written already")
        self.batches += 1
        place = Place(self)
        try:
            yield place
        finally:
            self.batches -= 1
            self.size_bytes -= place.size_bytes

    def bring(self, size_bytes: int) -> None:
        """Take so many bytes more.

        Raises:
            FullError: they are too many.
        """
        if self.size_bytes + size_bytes > self._most_bytes:
            raise FullError(f"{self._most_bytes} bytes are being written already")
        self.size_bytes += size_bytes


class Place:
    """One batch's place.

    Attributes:
        size_bytes: that it has brought.
    """

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room
        self.size_bytes = 0

    def bring(self, size_bytes: int) -> None:
        """Take so many bytes more.

        Raises:
            FullError: they are too many; they are not kept.
        """
        self._room.bring(size_bytes)
        self.size_bytes += size_bytes
