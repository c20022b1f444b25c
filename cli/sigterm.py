"""A server that SIGTERM ends has done as it was told: exit code 0."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the process with exit code 0, before, while and after it serves. For the main thread alone.

    uvicorn takes the signal over while it serves, and raises it again once the last request is answered and the handler
    before is back; with Python's own handler that would end the process by the signal.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
