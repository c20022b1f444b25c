from agent.troubles import Trouble, Troubles
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


def test_what_comes_back_is_logged_again() -> None:
    troubles = Troubles()
    with logged_events() as events:
        for _ in range(2):
            troubles.tell("disk-full", "full")
            troubles.clear("disk-full")
    assert [event.name for event in events] == ["disk-full", "disk-full-passed"] * 2


def test_the_present_ones_carry_their_latest_sentence_and_every_telling_counts() -> None:
    troubles = Troubles()
    troubles.tell("b", "first")
    troubles.tell("a", "other")
    troubles.tell("b", "second")
    assert troubles.present == (Trouble(name="a", sentence="other"), Trouble(name="b", sentence="second"))
    troubles.clear("a")
    assert [trouble.name for trouble in troubles.present] == ["b"]
    assert troubles.counts == {"a": 1, "b": 2}
