from hypothesis import given
from hypothesis import strategies as st

from agent.backoff import LONGEST_ASKED_SECONDS, Backoff


def test_the_bound_doubles_up_to_the_longest_and_starts_anew_after_a_success() -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=5.0, share=lambda: 1.0)
    assert [backoff.failed() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.succeeded()
    assert backoff.failed() == 1.0


def test_what_the_server_asks_for_is_waited_for_and_more() -> None:
    backoff = Backoff(first_seconds=2.0, longest_seconds=8.0, share=lambda: 0.5)
    assert backoff.failed(asked_seconds=10.0) == 11.0
    assert backoff.failed(asked_seconds=1e9) == LONGEST_ASKED_SECONDS + 2.0


@given(failures=st.integers(min_value=1, max_value=2000), asked=st.none() | st.floats(-1e6, 1e6))
def test_no_wait_is_negative_or_without_bound(failures: int, asked: float | None) -> None:
    backoff = Backoff(first_seconds=0.5, longest_seconds=60.0)
    waits = [backoff.failed(asked_seconds=asked) for _ in range(failures)]
    assert all(max(asked or 0.0, 0.0) <= wait + 1e-9 or wait >= LONGEST_ASKED_SECONDS for wait in waits)
    assert all(0.0 <= wait <= 60.0 + LONGEST_ASKED_SECONDS for wait in waits)


def test_agents_that_failed_together_come_back_apart() -> None:
    waits = {Backoff(first_seconds=8.0, longest_seconds=60.0).failed() for _ in range(50)}
    assert len(waits) == 50
