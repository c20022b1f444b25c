import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def logger_as_before() -> Iterator[None]:
    """A program that runs in a test leaves its log handler behind, on a stream that is closed afterwards."""
    logger = logging.getLogger("leeward.agent")
    before = (logger.handlers, logger.level, logger.propagate)
    yield
    logger.handlers, logger.level, logger.propagate = before
