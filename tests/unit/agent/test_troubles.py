from agent.troubles import LOGGED_AGAIN_SECONDS, Trouble, Troubles
from tests.unit.agent.logged import logged_events


def test_what_keeps_happening_is_logged_when_it_begins_and_when_it_has_passed() -> None:
    troubles = Troubles()
    with logged_events() as events:
        for _ in range(100):
            troubles.tell("disk-full", "the disk is full: free some")
        troubles.clear("disk-full")
        troubles.clear("disk-full")
    assert [event.name for event in events] == ["disk-full", "disk-full-passed"]
    assert events[0].fields == {"error": "the disk is full: free some"}
    assert events[1].fields == {"told": 100}


class Clock:
    """Steps when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_what_comes_back_later_is_logged_again() -> None:
    clock = Clock()
    troubles = Troubles(monotonic=clock)
    with logged_events() as events:
        for _ in range(2):
            troubles.tell("disk-full", "full")
            troubles.clear("disk-full")
            clock.seconds += LOGGED_AGAIN_SECONDS
    assert [event.name for event in events] == ["disk-full", "disk-full-passed"] * 2


def test_what_comes_and_goes_all_the_time_does_not_fill_the_log_but_is_counted() -> None:
    clock = Clock()
    troubles = Troubles(monotonic=clock)
    with logged_events() as events:
        for _ in range(3600):
            troubles.tell("ingest-busy", "busy")
            assert [trouble.name for trouble in troubles.present] == ["ingest-busy"]
            troubles.clear("ingest-busy")
            clock.seconds += 1.0
    assert troubles.counts == {"ingest-busy": 3600}
    minutes = round(3600 / LOGGED_AGAIN_SECONDS)
    assert [event.name for event in events] == ["ingest-busy", "ingest-busy-passed"] * minutes


def test_what_comes_back_at_once_and_stays_is_logged_after_a_while() -> None:
    clock = Clock()
    troubles = Troubles(monotonic=clock)
    troubles.tell("disk-full", "full")
    troubles.clear("disk-full")
    with logged_events() as events:
        for _ in range(3):
            troubles.tell("disk-full", "full again")
            clock.seconds += LOGGED_AGAIN_SECONDS
        troubles.clear("disk-full")
    assert [event.name for event in events] == ["disk-full", "disk-full-passed"]


def test_other_troubles_are_logged_though_one_comes_and_goes() -> None:
    troubles = Troubles(monotonic=Clock())
    with logged_events() as events:
        for name in ("a", "b", "a"):
            troubles.tell(name, "amiss")
            troubles.clear(name)
    assert [event.name for event in events] == ["a", "a-passed", "b", "b-passed"]


def test_the_present_ones_carry_their_latest_sentence_and_every_telling_counts() -> None:
    troubles = Troubles()
    troubles.tell("b", "first")
    troubles.tell("a", "other")
    troubles.tell("b", "second")
    assert troubles.present == (Trouble(name="a", sentence="other"), Trouble(name="b", sentence="second"))
    troubles.clear("a")
    assert [trouble.name for trouble in troubles.present] == ["b"]
    assert troubles.counts == {"a": 1, "b": 2}
