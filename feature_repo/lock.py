"""One at a time, across threads and processes, and who was it last; or many who only read."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class Held:
    """A lock while it is held. Its file bears the mark of whoever changed last what it guards."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @property
    def mark(self) -> str:
        """Of the last one that left one; empty where nobody has."""
        self._file.seek(0)
        return self._file.read()

    def leave(self, mark: str) -> None:
        """Say who changes what the lock guards. It need not survive a power cut: its author does not either."""
        self._file.truncate(0)
        self._file.write(mark)
        self._file.flush()


@contextmanager
def exclusive(path: Path) -> Iterator[Held]:
    """Hold the advisory lock on ``path``, waiting as long as it takes; the kernel frees it when its holder dies."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Held(file)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold it together with others that only read, and without whoever has it exclusively."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
