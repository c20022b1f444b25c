"""SIGTERM and SIGINT as an event that loops wait for, so that they clean up before they end."""

import signal
from _thread import start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[Event]:
    """``stop``, set by SIGTERM and SIGINT too; the handlers before are put back. For the main thread alone.

    A handler runs between two instructions of the main thread, which may hold the event's own lock just then: setting
    the event there would wait for ever. So another thread sets it.
    """
    before = {
        number: signal.signal(number, lambda *_: start_new_thread(stop.set, ()))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
