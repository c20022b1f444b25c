"""What the agent has to say while it runs: one JSON object a line, on standard error."""

import logging

from serving.json_lines import write_to_standard_error

_LOGGER = logging.getLogger("leeward.agent")
_LOGGER.addHandler(logging.NullHandler())
"""Whoever wants to hear of events asks for them; nobody's terminal is written to unasked."""


def to_standard_error() -> None:
    """Write events to standard error from now on; asked twice, they are still written once."""
    write_to_standard_error(_LOGGER, level=logging.INFO)


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
