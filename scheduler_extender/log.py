"""What the extender has to say while it runs: one JSON object a line on standard error, shaped as the agent's."""

import json
import logging
import sys
from datetime import UTC, datetime

LOGGER = logging.getLogger("leeward.extender")
_SERVER = logging.getLogger("uvicorn")


class JsonLines(logging.Formatter):
    """Time, level and event of a record, the fields it came with, and an error's traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields: dict[str, object] = dict(getattr(record, "fields", {}))
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": time.replace("+00:00", "Z"), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(head | fields, default=str)


def to_standard_error() -> None:
    """Write events to standard error from now on, and the web server's warnings with them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for logger, level in ((LOGGER, logging.INFO), (_SERVER, logging.WARNING)):
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def info(event: str, **fields: object) -> None:
    """Something happened.

    Args:
        event: a stable name: ``champion-in-use``.
        fields: what JSON can carry; other things are written as their text.
    """
    LOGGER.info(event, extra={"fields": fields})


def warning(event: str, *, error: BaseException | None = None, **fields: object) -> None:
    """Something went wrong that the extender lives with.

    Args:
        event: a stable name.
        error: whose traceback is wanted.
        fields: as of ``info``.
    """
    LOGGER.warning(event, extra={"fields": fields}, exc_info=error)
