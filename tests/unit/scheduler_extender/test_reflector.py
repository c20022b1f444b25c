"""Following a resource: nothing is missed, nothing is kept that is gone, whatever happens to the connection."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_extender.api_server import ApiServer
from scheduler_extender.errors import ExtenderError
from scheduler_extender.reflector import PAGE, Reflector, Resource
from tests.unit.scheduler_extender.api_stub import PATIENCE_SECONDS, ApiStub, api_stub


def read_value(content: bytes) -> int:
    value = json.loads(content).get("value")
    if not isinstance(value, int):
        raise ExtenderError(f"{value!r} is no number")
    return value


RESOURCE = Resource(path="/apis/x/v1/things", read=read_value)


class Follower:
    """What somebody knows who takes everything over."""

    def __init__(self, server: ApiServer, resource: Resource[int] = RESOURCE) -> None:
        self._news = threading.Condition()
        self.reflector = Reflector(server, resource)
        self.known: dict[str, int] = {}
        self.refused: list[str] = []

    def start(self) -> None:
        self.reflector.start(self._heard)

    def _heard(self) -> None:
        with self._news:
            self._news.notify_all()

    def take_over(self) -> None:
        changes = self.reflector.changes()
        self.refused += [refusal.sentence for refusal in changes.refused]
        for change in changes.changed:
            if change.value is None:
                self.known.pop(change.name, None)
            else:
                self.known[change.name] = change.value

    def knows(self, expected: dict[str, int]) -> bool:
        def arrived() -> bool:
            self.take_over()
            return self.known == expected

        with self._news:
            return self._news.wait_for(arrived, timeout=PATIENCE_SECONDS)

    def waits_until_complaint(self, *, is_there: bool) -> bool:
        with self._news:
            return self._news.wait_for(lambda: bool(self.reflector.complaint) is is_there, timeout=PATIENCE_SECONDS)


@contextmanager
def following(stub: ApiStub, resource: Resource[int] = RESOURCE) -> Iterator[Follower]:
    follower = Follower(stub.server, resource)
    follower.start()
    try:
        yield follower
    finally:
        follower.reflector.close()


@pytest.fixture
def stub() -> Iterator[ApiStub]:
    with api_stub(RESOURCE.path) as found:
        yield found


def values(stub: ApiStub) -> dict[str, int]:
    return {name: found["value"] for name, found in stub.objects.items()}


def test_a_long_list_is_read_in_pages(stub: ApiStub) -> None:
    for index in range(2 * PAGE + 1):
        stub.put(f"thing-{index}", value=index)
    with following(stub) as follower:
        assert follower.knows(values(stub))
        assert follower.reflector.synced
    assert [query.get("continue", "") for query in stub.asked if "watch" not in query] == ["", str(PAGE), str(2 * PAGE)]


def test_what_comes_changes_and_goes_is_heard_of(stub: ApiStub) -> None:
    with following(stub) as follower:
        stub.put("a", value=1)
        assert follower.knows({"a": 1})
        stub.put("a", value=2)
        assert follower.knows({"a": 2})
        stub.delete("a")
        assert follower.knows({})


def test_objects_of_one_name_are_told_apart_by_uid(stub: ApiStub) -> None:
    by_uid = Resource(path=RESOURCE.path, read=read_value, by_uid=True)
    with following(stub, by_uid) as follower:
        stub.put("a", value=1)
        assert follower.knows({"uid-of-a": 1})
        stub.delete("a")
        stub.put("a", value=2, metadata={"uid": "another"})
        assert follower.knows({"another": 2})


def test_a_watch_that_is_cut_off_is_taken_up_where_it_ended(stub: ApiStub) -> None:
    with following(stub) as follower:
        stub.put("a", value=1)
        assert follower.knows({"a": 1})
        lists = sum("watch" not in query for query in stub.asked)
        stub.drop_watches()
        stub.put("b", value=2)
        stub.delete("a")
        assert follower.knows({"b": 2})
        assert sum("watch" not in query for query in stub.asked) == lists


def test_a_version_that_is_forgotten_leads_to_a_list_and_what_it_lacks_is_gone(stub: ApiStub) -> None:
    with following(stub) as follower:
        stub.put("a", value=1)
        stub.put("b", value=2)
        assert follower.knows({"a": 1, "b": 2})
        stub.drop_watches(refusal=503)
        assert follower.waits_until_complaint(is_there=True)
        stub.delete("a")
        stub.put("c", value=3)
        stub.forget()
        stub.refusal = 0
        assert follower.knows({"b": 2, "c": 3})
        assert follower.waits_until_complaint(is_there=False)


def test_bookmarks_keep_the_version_young(stub: ApiStub) -> None:
    stub.put("a", value=1)
    with following(stub) as follower:
        assert follower.knows({"a": 1})
        stub.version += 100
        stub.bookmark()
        stub.drop_watches()
        stub.forget()
        stub.put("b", value=2)
        assert follower.knows({"a": 1, "b": 2})
    assert [query["resourceVersion"] for query in stub.asked if "watch" in query] == ["2", "102"]


def test_what_was_known_stays_while_nobody_answers(stub: ApiStub) -> None:
    stub.put("a", value=1)
    with following(stub) as follower:
        assert follower.knows({"a": 1})
        stub.drop_watches(refusal=403)
        assert follower.waits_until_complaint(is_there=True)
        assert "refuses /apis/x/v1/things with 403: not now" in follower.reflector.complaint
        follower.take_over()
        assert follower.known == {"a": 1}


def test_an_object_that_cannot_be_read_is_refused_and_its_last_value_stays(stub: ApiStub) -> None:
    with following(stub) as follower:
        stub.put("a", value=1)
        assert follower.knows({"a": 1})
        stub.put("a", value="lies")
        stub.put("b", value=2)
        assert follower.knows({"a": 1, "b": 2})
        assert follower.refused == ["things a is refused: 'lies' is no number"]


@pytest.mark.parametrize(
    ("values", "changed", "refused"),
    [(["lies", 2], {"a": 2}, []), (["lies", None], {"a": None}, []), ([2, "lies"], {}, ["a"])],
)
def test_of_an_object_the_last_thing_counts_where_nobody_looked_meanwhile(
    stub: ApiStub, values: list[object], changed: dict[str, int | None], refused: list[str]
) -> None:
    heard = threading.Semaphore(0)
    reflector = Reflector(stub.server, RESOURCE)
    reflector.start(heard.release)
    try:
        assert heard.acquire(timeout=PATIENCE_SECONDS), "the list"
        for value in values:
            stub.delete("a") if value is None else stub.put("a", value=value)
            assert heard.acquire(timeout=PATIENCE_SECONDS)
        found = reflector.changes()
    finally:
        reflector.close()
    assert {change.name: change.value for change in found.changed} == changed
    assert [refusal.name for refusal in found.refused] == refused


@pytest.mark.parametrize("flaw", ["torn", "refusal"])
def test_an_answer_that_is_none_is_complained_of_and_asked_for_again(stub: ApiStub, flaw: str) -> None:
    setattr(stub, flaw, 500)
    stub.put("a", value=1)
    with following(stub) as follower:
        assert follower.waits_until_complaint(is_there=True)
        assert not follower.reflector.synced
        setattr(stub, flaw, 0)
        assert follower.knows({"a": 1})
        assert follower.waits_until_complaint(is_there=False)


def test_a_list_of_something_else_is_complained_of_and_asked_for_again(stub: ApiStub) -> None:
    stub.objects["nameless"] = {"value": 1}
    with following(stub) as follower:
        assert follower.waits_until_complaint(is_there=True)
        assert "lists something else" in follower.reflector.complaint
        del stub.objects["nameless"]
        stub.put("a", value=1)
        assert follower.knows({"a": 1})


def test_a_server_that_is_not_there_is_complained_of() -> None:
    with api_stub(RESOURCE.path) as gone:
        server = gone.server
    follower = Follower(server)
    follower.start()
    try:
        assert follower.waits_until_complaint(is_there=True)
        assert server.url in follower.reflector.complaint
    finally:
        follower.reflector.close()


def test_a_token_is_read_anew_for_each_request(stub: ApiStub, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    follower = Follower(ApiServer(url=stub.server.url, token_file=token))
    follower.start()
    try:
        stub.put("a", value=1)
        assert follower.knows({"a": 1})
        renewed = tmp_path / "renewed"
        renewed.write_text("second\n")
        renewed.replace(token)
        stub.drop_watches()
        stub.put("a", value=2)
        assert follower.knows({"a": 2})
    finally:
        follower.reflector.close()
    assert stub.tokens[0] == "Bearer first"
    assert stub.tokens[-1] == "Bearer second"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcd"), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.sampled_from(["drop", "forget", "bookmark", "look"]), st.just(""), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_in_the_end_all_is_known_that_is_there_whatever_happened(steps: list[tuple[str, str, int]]) -> None:
    with api_stub(RESOURCE.path) as stub, following(stub) as follower:
        for what, name, value in steps:
            if what == "put":
                stub.put(name, value=value)
            elif what == "delete" and name in stub.objects:
                stub.delete(name)
            elif what == "drop":
                stub.end_watches()
            elif what == "forget":
                stub.forget()
            elif what == "bookmark":
                stub.bookmark()
            elif what == "look":
                follower.take_over()
        assert follower.knows(values(stub))


@pytest.fixture
def crowded(stub: ApiStub) -> ApiStub:
    """Objects of more bytes together than may wait to be taken over."""
    for index in range(60):
        stub.put(f"thing-{index:02}", value=index, padding="x" * 100_000)
    return stub


def test_what_there_is_no_room_for_comes_once_the_rest_is_taken_over(crowded: ApiStub) -> None:
    reflector, heard = Reflector(crowded.server, RESOURCE), threading.Event()
    reflector.start(heard.set)
    known: dict[str, int | None] = {}
    try:
        assert heard.wait(PATIENCE_SECONDS)
        assert reflector.waiting
        assert not reflector.synced
        while len(known) < len(crowded.objects):
            assert heard.wait(PATIENCE_SECONDS)
            heard.clear()
            known |= {change.name: change.value for change in reflector.changes().changed}
    finally:
        reflector.close()
    assert known == values(crowded)


def test_what_waits_for_room_is_ended_with_the_rest(crowded: ApiStub) -> None:
    reflector, heard = Reflector(crowded.server, RESOURCE), threading.Event()
    reflector.start(heard.set)
    assert heard.wait(PATIENCE_SECONDS)
    reflector.close()
    assert not any(thread.name == "follow things" for thread in threading.enumerate())


def test_what_takes_too_long_is_left_for_the_next_time(stub: ApiStub) -> None:
    for index in range(3):
        stub.put(f"thing-{index}", value=index)
    reflector, heard = Reflector(stub.server, RESOURCE), threading.Event()
    reflector.start(heard.set)
    try:
        assert heard.wait(PATIENCE_SECONDS)
        found = [reflector.changes(seconds=0.0).changed for _ in range(4)]
    finally:
        reflector.close()
    assert [[change.value for change in changed] for changed in found] == [[0], [1], [2], []]
