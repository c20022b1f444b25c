"""The spool as a queue: order, bounds, restarts and kills."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import AgentError
from agent.spool import SMALLEST_LIMIT_BYTES, Spool, SpoolFigures
from agent.spool_segment import header
from agent.troubles import Troubles
from tests.unit.agent.logged import logged_events
from tests.unit.agent.spool_contents import ALL, copied, drained, left_in, numbers, payload, payloads, told


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def spool(tmp_path: Path, troubles: Troubles) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", troubles=troubles)
    yield spool
    spool.close()


def test_vectors_come_out_as_they_went_in(spool: Spool, troubles: Troubles) -> None:
    assert spool.append(payloads(0, 3))
    assert spool.append(payloads(3))
    assert spool.figures() == SpoolFigures(waiting=4, waiting_bytes=4 * 120 + len(header()))
    assert drained(spool) == [0, 1, 2, 3]
    assert spool.figures() == SpoolFigures()
    assert told(troubles) == []


def test_a_take_is_bounded_by_count_and_by_size_and_never_stuck(spool: Spool) -> None:
    spool.append(payloads(0, 9))
    assert numbers(spool.take(count=2, size_bytes=ALL)) == [0, 1]
    assert numbers(spool.take(count=9, size_bytes=250)) == [0, 1]
    assert numbers(spool.take(count=9, size_bytes=1)) == [0]


def test_what_is_not_acknowledged_is_handed_out_again(spool: Spool) -> None:
    spool.append(payloads(0, 5))
    spool.take(count=4, size_bytes=ALL)
    spool.acknowledge(1)
    assert spool.figures().waiting == 4
    spool.put_back()
    assert spool.figures() == SpoolFigures(waiting=4, waiting_bytes=4 * 120)
    assert drained(spool) == [1, 2, 3, 4]


def test_a_restart_goes_on_behind_what_was_acknowledged(spool: Spool, tmp_path: Path, troubles: Troubles) -> None:
    spool.append(payloads(0, 5))
    spool.take(count=2, size_bytes=ALL)
    spool.acknowledge(2)
    spool.close()
    spool.close()
    again = Spool(tmp_path / "spool", troubles=troubles)
    again.append(payloads(5))
    assert drained(again) == [2, 3, 4, 5]
    again.close()
    assert left_in(tmp_path / "spool") == []


def test_delivered_segments_go(tmp_path: Path, troubles: Troubles) -> None:
    spool = Spool(tmp_path, troubles=troubles, limit_bytes=16_000)
    for number in range(100):
        spool.append(payloads(number))
    assert len(list(tmp_path.glob("*.segment"))) > 10
    assert drained(spool) == list(range(100))
    assert len(list(tmp_path.glob("*.segment"))) == 1


def test_the_oldest_go_where_there_is_no_room_and_are_counted_until_it_has_passed(
    tmp_path: Path, troubles: Troubles
) -> None:
    spool = Spool(tmp_path, troubles=troubles, limit_bytes=16_000)
    with logged_events() as events:
        for number in range(300):
            assert spool.append(payloads(number))
            assert sum(path.stat().st_size for path in tmp_path.glob("*.segment")) <= 16_000
        dropped = spool.figures().dropped
        assert 160 < dropped < 200
        assert told(troubles) == ["spool-full"]
        assert drained(spool) == list(range(dropped, 300))
    assert told(troubles) == []
    assert [event.name for event in events] == ["spool-full", "spool-full-passed"]


def test_what_was_taken_is_not_dropped_with_its_segment(tmp_path: Path, troubles: Troubles) -> None:
    spool = Spool(tmp_path, troubles=troubles, limit_bytes=16_000)
    spool.append(payloads(0, 10))
    spool.take(count=10, size_bytes=ALL)
    for number in range(10, 300):
        spool.append(payloads(number))
    before = spool.figures()
    spool.acknowledge(4)
    assert spool.figures().dropped == before.dropped
    spool.put_back()
    assert spool.figures().dropped == before.dropped + 6
    assert spool.figures().waiting == before.waiting - 10
    assert drained(spool) == list(range(4 + spool.figures().dropped, 300))


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_vector_is_delivered_in_order_or_counted(data: st.DataObject) -> None:
    """Whatever order of appends, takes, failures and kills; a kill is a copy of the directory, opened anew."""
    with TemporaryDirectory() as parent:
        directory = Path(parent, "0")
        spool = Spool(directory, troubles=Troubles(), limit_bytes=SMALLEST_LIMIT_BYTES)
        appended, delivered, dropped = 0, list[int](), 0
        for step in data.draw(st.lists(st.sampled_from(["append", "deliver", "fail", "kill"]), max_size=40)):
            if step == "append":
                size = data.draw(st.integers(0, 4))
                assert spool.append(payloads(appended, size))
                appended += size
            elif step == "kill":
                dropped += spool.figures().dropped
                directory = copied(directory, Path(parent, str(int(directory.name) + 1)))
                spool.close()
                spool = Spool(directory, troubles=Troubles(), limit_bytes=SMALLEST_LIMIT_BYTES)
            else:
                taken = spool.take(count=data.draw(st.integers(1, 6)), size_bytes=ALL)
                done = data.draw(st.integers(0, len(taken)))
                delivered += numbers(taken[:done])
                spool.acknowledge(done)
                if step == "fail":
                    spool.put_back()
            figures = spool.figures()
            assert figures.waiting + figures.dropped + dropped + len(delivered) == appended
            assert sum(path.stat().st_size for path in directory.glob("*.segment")) <= SMALLEST_LIMIT_BYTES
        delivered += drained(spool)
        assert delivered == sorted(set(delivered))
        assert len(delivered) + dropped + spool.figures().dropped == appended
        spool.close()


def test_a_closed_spool_takes_part_in_nothing(spool: Spool, tmp_path: Path, troubles: Troubles) -> None:
    spool.append(payloads(0, 2))
    spool.take(count=1, size_bytes=ALL)
    spool.close()
    spool.acknowledge(1)
    spool.put_back()
    assert not spool.append(payloads(2))
    assert spool.take(count=1, size_bytes=1) == (payload(2),)
    assert told(troubles) == []
    assert left_in(tmp_path / "spool") == [0, 1]


def test_a_limit_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="a spool of 4095 bytes holds nothing: say 4096 at least"):
        Spool(tmp_path, troubles=Troubles(), limit_bytes=4095)
