"""What the agent has to say while it runs: one JSON object a line, on standard error."""

import json
import logging
import sys
from datetime import UTC, datetime

_LOGGER = logging.getLogger("leeward.agent")


class JsonLines(logging.Formatter):
    """Time, level and event of a record, and the fields it came with."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields: dict[str, object] = getattr(record, "fields", {})
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": time.replace("+00:00", "Z"), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(head | fields, default=str)


def to_standard_error() -> None:
    """Write events to standard error from now on; asked twice, they are still written once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def info(event: str, **fields: object) -> None:
    """Something happened.

    Args:
        event: a stable name: ``window-published``.
        fields: what JSON can carry; other things are written as their text.
    """
    _LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Something went wrong that the agent lives with; arguments as of ``info``."""
    _LOGGER.warning(event, extra={"fields": fields})
