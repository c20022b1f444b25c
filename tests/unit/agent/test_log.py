import json

import pytest

from agent import log
from agent.errors import PublishError


def test_an_event_is_one_line_of_json_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log.to_standard_error()
    log.to_standard_error()
    log.info("published", regimes="llc,quiet", after=3)
    log.warning("publish-failed", error=PublishError("two\nlines"))
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = (json.loads(line) for line in captured.err.splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {"level": "info", "event": "published", "regimes": "llc,quiet", "after": 3}
    assert (second["level"], second["error"]) == ("warning", "two\nlines")
