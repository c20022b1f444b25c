"""The outlet's thread against a publisher of the tests' own, and against the API server's stand-in."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Semaphore

import pytest

from agent.errors import AgentError, PublishError, RefusedError
from agent.http_client import Server
from agent.judged import JudgedWindow
from agent.outlet import Outlet
from agent.pacing import Pacing, Reason
from agent.publish import NodeStatePublisher, Published
from agent.publish_api import ApiPublisher
from agent.troubles import Troubles
from contracts.nodestate import Metadata, NodeState, Spec
from tests.unit.agent.api_server import Api, Manner, api_server
from tests.unit.agent.logged import logged_events
from tests.unit.agent.test_pacing import status

PATIENCE_SECONDS = 20.0
BEAT_SECONDS = 0.02


def window(*, free: int = 0) -> JudgedWindow:
    return JudgedWindow(vectors=(), state=NodeState(metadata=Metadata(name="node-1"), status=status(free=free)))


class Readers:
    """A publisher that answers in turn as it is told; ``permits`` says how many times without being held up."""

    def __init__(self, *answers: Published | PublishError, permits: int = 1000) -> None:
        self.states: list[NodeState] = []
        self.asked = Event()
        self.permits = Semaphore(permits)
        self._answers = list(answers)

    def publish(self, state: NodeState) -> Published | None:
        self.states.append(state)
        self.asked.set()
        assert self.permits.acquire(timeout=PATIENCE_SECONDS)
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, PublishError):
            raise answer
        return answer


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Desk:
    """An outlet at work that beats without pause, so that every window is due, and what it tells.

    Its waits are short, unless a test wants long ones: a hundredth or nine tenths of what they may be.
    """

    def __init__(self, publisher: NodeStatePublisher, *, waits_long: bool = False) -> None:
        self.troubles = Troubles()
        self.outlet = Outlet(
            publisher,
            pacing=Pacing(node="node-1", heartbeat_seconds=BEAT_SECONDS),
            troubles=self.troubles,
            share=lambda: 0.9 if waits_long else 0.01,
        )

    @property
    def amiss(self) -> dict[str, str]:
        return {trouble.name: trouble.sentence for trouble in self.troubles.present}

    @property
    def written(self) -> int:
        return sum(self.outlet.figures.written.values())

    def write(self, offered: JudgedWindow) -> None:
        """Offer, and wait until it is written."""
        before = self.written
        self.outlet.offer(offered)
        until(lambda: self.written > before)

    def fail(self, offered: JudgedWindow) -> None:
        """Offer, and wait until it has failed."""
        before = self.outlet.figures.failures
        self.outlet.offer(offered)
        until(lambda: self.outlet.figures.failures > before)


@contextmanager
def desk(publisher: NodeStatePublisher, *, waits_long: bool = False) -> Iterator[Desk]:
    made = Desk(publisher, waits_long=waits_long)
    try:
        yield made
    finally:
        made.outlet.close(PATIENCE_SECONDS)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with api_server(tmp_path / "serviceaccount") as served:
        yield served


@pytest.fixture
def publisher(api: Api, tmp_path: Path) -> Iterator[ApiPublisher]:
    account = tmp_path / "serviceaccount"
    server = Server(url=f"https://127.0.0.1:{api.port}", token_file=account / "token", ca_file=account / "ca.crt")
    made = ApiPublisher(server, timeout_seconds=PATIENCE_SECONDS)
    yield made
    made.close()


def test_what_is_offered_is_written_and_counted() -> None:
    readers = Readers()
    before = time.monotonic()
    with logged_events() as events, desk(readers) as at:
        assert at.outlet.figures.last_written_at_seconds is None
        at.write(window(free=1))
        at.write(window(free=2))
        figures = at.outlet.figures
    assert [state.status for state in readers.states] == [status(free=1), status(free=2)]
    assert figures.written == {Reason.FIRST: 1, Reason.HEARTBEAT: 1}
    assert figures.failures == 0
    assert figures.last_written_at_seconds is not None
    assert before <= figures.last_written_at_seconds <= time.monotonic()
    assert [event.name for event in events] == ["published", "published"]
    assert events[0].fields == {"reason": "first", "regimes": "quiet"}


def test_offering_waits_for_nobody_and_the_newest_takes_the_place_of_the_unsent() -> None:
    readers = Readers(permits=0)
    with desk(readers) as at:
        at.outlet.offer(window(free=1))
        assert readers.asked.wait(PATIENCE_SECONDS)
        for free in range(2, 100):
            at.outlet.offer(window(free=free))
        assert len(readers.states) == 1
        readers.permits.release(2)
        until(lambda: at.written == 2)
    assert [state.status for state in readers.states] == [status(free=1), status(free=99)]


def test_a_row_of_failures_is_one_trouble_with_the_latest_sentence_and_passes() -> None:
    readers = Readers(PublishError("nobody is there"), PublishError("still nobody"), permits=1)
    with logged_events() as events, desk(readers) as at:
        at.outlet.offer(window(free=1))
        until(lambda: at.amiss == {"publish-failed": "nobody is there"})
        readers.permits.release()
        until(lambda: at.amiss == {"publish-failed": "still nobody"})
        at.outlet.offer(window(free=3))
        readers.permits.release(2)
        until(lambda: at.written > 0 and not at.amiss)
        assert at.outlet.figures.failures == 2
    assert [event.name for event in events][:3] == ["publish-failed", "publish-failed-passed", "published"]
    assert readers.states[-1].status == status(free=3)


@pytest.mark.parametrize(
    "refusal",
    [
        RefusedError("wait", is_lasting=False, asked_seconds=3600.0),
        RefusedError("mend the CRD first", is_lasting=True),
    ],
    ids=["asked", "lasting"],
)
def test_a_wait_is_kept_whatever_is_offered_meanwhile(refusal: RefusedError) -> None:
    """It is two minutes, or an hour where that was asked for: none of fifty offers is sent."""
    readers = Readers(*[refusal] * 100)
    with desk(readers, waits_long=True) as at:
        at.fail(window())
        for free in range(50):
            at.outlet.offer(window(free=free))
        time.sleep(5 * BEAT_SECONDS)
        assert len(readers.states) == 1


def test_the_spec_is_known_from_the_answers_and_an_unlawful_one_changes_nothing() -> None:
    spec = Spec(window_seconds=20.0)
    readers = Readers(Published(spec=spec), Published(spec_refusal="it is refused"), Published(), Published(spec=spec))
    with desk(readers) as at:
        assert at.outlet.spec is None
        at.write(window())
        assert at.outlet.spec == spec
        at.write(window())
        until(lambda: at.amiss == {"spec-refused": "it is refused"})
        assert at.outlet.spec == spec
        at.write(window())
        until(lambda: not at.amiss)
        assert at.outlet.spec is None
        at.write(window())
        assert at.outlet.spec == spec


@pytest.mark.parametrize(
    ("ahead", "sentence"), [(3600.4, "is 3600 s ahead of the API"), (-31.0, "is 31 s behind the API")]
)
def test_a_clock_that_is_not_the_servers_is_told(ahead: float, sentence: str) -> None:
    near = Published(clock_ahead_seconds=29.0)
    with desk(Readers(near, Published(clock_ahead_seconds=ahead), near)) as at:
        at.write(window())
        assert at.amiss == {}
        at.write(window())
        until(lambda: sentence in at.amiss.get("clock-skew", ""))
        at.write(window())
        until(lambda: not at.amiss)


def test_at_the_end_nothing_more_is_written_and_nobody_takes_more() -> None:
    readers = Readers(RefusedError("later", is_lasting=True))
    with desk(readers, waits_long=True) as at:
        at.fail(window())
    assert len(readers.states) == 1
    with pytest.raises(AgentError, match="no longer published"):
        at.outlet.offer(window())
    at.outlet.close()


def test_what_was_closed_before_its_first_window_takes_none() -> None:
    readers = Readers()
    with desk(readers) as at:
        at.outlet.close()
        with pytest.raises(AgentError, match="start anew"):
            at.outlet.offer(window())
    assert readers.states == []


def test_a_thread_that_a_defect_ended_is_told_with_the_next_window(monkeypatch: pytest.MonkeyPatch) -> None:
    class Defective:
        def publish(self, state: NodeState) -> None:
            raise ZeroDivisionError

    ended = Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: ended.set())
    with desk(Defective()) as at:
        at.outlet.offer(window())
        assert ended.wait(PATIENCE_SECONDS)
        until(lambda: not any(thread.name == "publish" for thread in threading.enumerate()))
        with pytest.raises(AgentError, match="the thread that wrote them has ended"):
            at.outlet.offer(window())


def test_closing_leaves_a_write_that_hangs_behind(api: Api, publisher: ApiPublisher) -> None:
    api.manner = Manner.HANG
    at = Desk(publisher)
    at.outlet.offer(window())
    assert api.hanging.wait(PATIENCE_SECONDS)
    at.outlet.close(0.01)
    publisher.close()
    assert not api.released.is_set()
    assert at.written == 0
    assert at.outlet.figures.failures == 0
    api.manner = Manner.HANG_UP
    api.released.set()
    at.outlet.close(PATIENCE_SECONDS)


def test_against_the_api_server_conflicts_busyness_and_a_renewed_token_pass_by_themselves(
    api: Api, publisher: ApiPublisher, tmp_path: Path
) -> None:
    api.refusals = [(409, b""), (429, b"")]
    api.retry_after = "0"
    with desk(publisher) as at:
        at.outlet.offer(window())
        until(lambda: at.outlet.figures.failures == 2)
        until(lambda: at.written == 1)
        api.token = "second-token"
        at.fail(window())
        (tmp_path / "serviceaccount/token").write_text("second-token")
        until(lambda: at.written == 2)
        api.objects["node-1"]["spec"] = {"windowSeconds": 30}
        api.clock_ahead = timedelta(hours=1)
        at.write(window())
        assert at.outlet.spec == Spec(window_seconds=30.0)
        until(lambda: "behind the API server's" in at.amiss.get("clock-skew", ""))
    assert api.objects["node-1"]["status"]["regimes"] == "quiet"
