"""The loop from a change to bounds that hold again, in short; whole by ``python -m eval.watch.demonstration``."""

from pathlib import Path

import pytest

from eval.watch.change import Change
from eval.watch.demonstration import Demonstration, LivedHour, summary_of
from eval.watch.scale import SHORT
from eval.watch.state import Event, Kept


@pytest.mark.slow
def test_a_new_family_is_noticed_trained_on_promoted_and_bounded(tmp_path: Path) -> None:
    hours: list[LivedHour] = []
    shown = Demonstration(tmp_path, Change.FAMILY, SHORT, in_memory=True).show(hours.append)
    assert shown.hours == tuple(hours)
    assert shown.alarmed_after is not None
    assert shown.alarmed_after <= 30
    fallen = [hour.held for hour in hours if hour.version == "1" and hour.number >= shown.changed]
    back = [hour.held for hour in hours if hour.version == "2"]
    assert sum(fallen) / len(fallen) < SHORT.training.rate - 0.2
    assert sum(back) / len(back) >= SHORT.training.rate
    told = [record.event for record in Kept(tmp_path).records()]
    assert [told.count(event) for event in (Event.ALARM, Event.STARTED, Event.DECIDED, Event.GUARD)] == [1] * 4
    assert Event.SENT_BACK not in told
    assert "the alarm came" in summary_of(shown, SHORT)
