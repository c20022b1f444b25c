import pytest

from agent.doctor.check import Topic
from tests.unit.agent.doctor.example import PAGE, example, with_example


@pytest.mark.slow
def test_the_page_shows_the_example_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_example(page, example()) == page, "python -m tests.unit.agent.doctor.example --write"


def test_a_stale_example_is_replaced_and_nothing_else() -> None:
    page = PAGE.read_text(encoding="utf-8")
    stale = with_example(page, "something of old\n")
    assert stale != page
    assert with_example(stale, "new\n") == with_example(page, "new\n")


def test_the_page_names_every_topic() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [topic for topic in Topic if f"`{topic}`" not in page] == []
