"""What the agent logs, as data."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LoggedEvent:
    name: str
    fields: dict[str, object]


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[LoggedEvent] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append(LoggedEvent(name=record.getMessage(), fields=getattr(record, "fields", {})))


@contextmanager
def logged_events() -> Iterator[list[LoggedEvent]]:
    """The events logged meanwhile, filled as they come."""
    logger, recorder = logging.getLogger("leeward.agent"), _Recorder()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(recorder)
    try:
        yield recorder.events
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(level)
