"""Log records as one JSON object a line: what agent and extender write to standard error."""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Time, level and event of a record, the fields it came with, and an error's traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; fields that JSON can't carry are written as their text."""
        fields: dict[str, object] = dict(getattr(record, "fields", {}))
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": time.replace("+00:00", "Z"), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(head | fields, default=str)


def write_to_standard_error(logger: logging.Logger, *, level: int) -> None:
    """Write a logger's records there and nowhere else; asked twice, they are still written once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
