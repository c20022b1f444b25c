import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from agent.stopping import stopped_by_signals

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_sets_the_event_and_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopped_by_signals(Event()) as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5.0)
    assert signal.getsignal(number) is before


PROGRAM = """
import os, signal
from threading import Event
from agent.stopping import stopped_by_signals
with stopped_by_signals(Event()) as stop:
    with stop._cond:
        os.kill(os.getpid(), signal.SIGTERM)
    stop.wait(30.0)
"""


def test_a_signal_that_comes_while_the_event_is_locked_does_not_hang() -> None:
    """Now and then it comes just as the loop begins to wait."""
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=REPOSITORY, timeout=60.0, check=True)
