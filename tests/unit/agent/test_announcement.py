from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from agent.announcement import (
    FIRST_LASTING_WAIT_SECONDS,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    Announcements,
)
from agent.backoff import LONGEST_ASKED_SECONDS
from agent.pacing import Pacing, Reason
from contracts.nodestate import Metadata, NodeState
from contracts.regime import Regime
from tests.unit.agent.test_pacing import status

QUIET = NodeState(metadata=Metadata(name="n1"), status=status())
OTHER = NodeState(metadata=Metadata(name="n1"), status=status(free=1))
PRESSED = NodeState(metadata=Metadata(name="n1"), status=status(Regime.LLC))


def most() -> float:
    return 1.0 - 2**-53


def announcements(share: Callable[[], float] = most) -> Announcements:
    """Waits as long as it may; beats every 120 s, first 107 s after the first write."""
    return Announcements(Pacing(node="n27", heartbeat_seconds=120.0), share=share)


def settled() -> Announcements:
    """Has written the quiet state at second 0."""
    made = announcements()
    made.offer(QUIET, now_seconds=0.0)
    made.written(made.take(), now_seconds=0.0)
    return made


def test_the_first_state_goes_at_once() -> None:
    made = announcements()
    assert made.at_seconds is None
    made.offer(QUIET, now_seconds=5.0)
    assert made.at_seconds == 5.0
    assert made.take().reason is Reason.FIRST
    assert made.at_seconds is None


def test_the_newest_goes_and_nothing_twice() -> None:
    made = settled()
    for second in (10.0, 20.0):
        made.offer(QUIET, now_seconds=second)
    made.offer(OTHER, now_seconds=30.0)
    assert made.at_seconds is not None
    assert 106.0 < made.at_seconds < 107.0
    sent = made.take()
    assert (sent.state, sent.reason) == (OTHER, Reason.HEARTBEAT)
    made.written(sent, now_seconds=107.0)
    assert made.at_seconds is None


def test_a_failure_waits_longer_each_time_and_a_newer_state_takes_its_place() -> None:
    made = announcements()
    made.offer(QUIET, now_seconds=0.0)
    waits = []
    for failure in range(10):
        now = 1000.0 * failure
        made.failed(made.take(), now_seconds=now)
        made.offer(OTHER, now_seconds=now + 0.1)
        assert made.at_seconds is not None
        waits.append(round(made.at_seconds - now, 3))
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 120.0, 120.0, 120.0]
    sent = made.take()
    assert (sent.state, sent.reason) == (OTHER, Reason.FIRST)
    made.written(sent, now_seconds=9999.0)
    made.offer(PRESSED, now_seconds=10010.0)
    made.offer(PRESSED, now_seconds=10020.0)
    made.failed(made.take(), now_seconds=10020.0)
    assert made.at_seconds is not None
    assert round(made.at_seconds - 10020.0, 3) == FIRST_WAIT_SECONDS


def test_without_a_newer_state_the_same_goes_again() -> None:
    made = settled()
    made.offer(OTHER, now_seconds=10.0)
    first = made.take()
    made.failed(first, now_seconds=114.0)
    assert made.take() == first


def test_a_beat_that_failed_stays_due_though_nothing_has_changed() -> None:
    made = settled()
    made.offer(QUIET, now_seconds=110.0)
    made.failed(made.take(), now_seconds=115.0)
    made.offer(QUIET, now_seconds=120.0)
    assert made.at_seconds == 120.0


def test_no_news_ends_a_wait() -> None:
    made = settled()
    made.offer(QUIET, now_seconds=10.0)
    for _ in range(10):
        made.failed(made.take(), now_seconds=10.0, is_lasting=True)
    for second in (20.0, 30.0, 40.0):
        made.offer(PRESSED, now_seconds=second)
        assert made.at_seconds is not None
        assert made.at_seconds > 10.0 + 0.99 * LONGEST_WAIT_SECONDS


def test_a_lasting_refusal_is_tried_sooner_at_first_and_anew_after_a_success() -> None:
    """An API server that starts anew refuses everything for a second."""
    made = settled()
    made.offer(QUIET, now_seconds=10.0)
    waits = []
    for _ in range(2):
        made.failed(made.take(), now_seconds=10.0, is_lasting=True)
        waits.append(made.at_seconds)
        made.written(made.take(), now_seconds=10.0)
        made.offer(PRESSED, now_seconds=10.0)
        made.offer(PRESSED, now_seconds=10.0)
    assert waits[0] == waits[1]
    assert waits[0] is not None
    assert waits[0] <= 10.0 + FIRST_LASTING_WAIT_SECONDS


def test_what_was_offered_during_a_write_is_compared_with_what_was_written() -> None:
    """The state under way is the first; the newer one, alike, is no longer a first but waits for the beat."""
    made = announcements()
    made.offer(QUIET, now_seconds=0.0)
    sent = made.take()
    made.offer(QUIET, now_seconds=4.0)
    assert made.at_seconds == 4.0
    made.written(sent, now_seconds=5.0)
    assert made.at_seconds is not None
    assert made.at_seconds > 100.0


@given(
    asked=st.none() | st.floats(0.0, 1e6),
    share=st.floats(0.0, 1.0, exclude_max=True),
    is_lasting=st.booleans(),
    earlier=st.integers(0, 30),
)
def test_no_wait_is_shorter_than_asked_or_without_bound(
    asked: float | None, share: float, is_lasting: bool, earlier: int
) -> None:
    made = announcements(lambda: share)
    made.offer(QUIET, now_seconds=0.0)
    for _ in range(earlier):
        made.failed(made.take(), now_seconds=0.0)
    made.failed(made.take(), now_seconds=0.0, is_lasting=is_lasting, asked_seconds=asked)
    assert made.at_seconds is not None
    least = min(asked or 0.0, LONGEST_ASKED_SECONDS)
    assert least <= made.at_seconds <= least + LONGEST_WAIT_SECONDS
