"""What the extender has to say while it runs: one JSON object a line on standard error, shaped as the agent's."""

import logging

from serving.json_lines import write_to_standard_error

LOGGER = logging.getLogger("leeward.extender")
_SERVER = logging.getLogger("uvicorn")


def to_standard_error(*, debugging: bool = False) -> None:
    """Write events to standard error from now on, and the web server's warnings with them."""
    write_to_standard_error(LOGGER, level=logging.DEBUG if debugging else logging.INFO)
    write_to_standard_error(_SERVER, level=logging.WARNING)


def debug(event: str, **fields: object) -> None:
    """Something of which there is a line a pod.

    Args:
        event: a stable name: ``placed``.
        fields: as of ``info``.
    """
    LOGGER.debug(event, extra={"fields": fields})


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
