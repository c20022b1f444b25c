from itertools import combinations

import pytest

from eval.pictures.poll_mode import Case, PollMode, poll_mode


@pytest.fixture(scope="module")
def data() -> PollMode:
    return poll_mode((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), windows=2)


def polling(data: PollMode) -> list[Case]:
    return [case for case in data.cases if case.polls]


def test_who_polls_is_busy_whatever_the_contention(data: PollMode) -> None:
    for case in polling(data):
        assert [seen.utilisation for seen in case.seen] == pytest.approx([1.0] * len(case.seen), abs=0.04)


def test_the_same_function_asleep_when_idle_shows_it_in_both(data: PollMode) -> None:
    (asleep,) = (case for case in data.cases if not case.polls)
    healthy, starved = asleep.seen[0], asleep.seen[-1]
    assert starved.ipc < 0.75 * healthy.ipc
    assert starved.utilisation < 0.9 * healthy.utilisation < 0.5


def test_throughput_falls_by_a_third_at_least(data: PollMode) -> None:
    for case in polling(data):
        delivered = [seen.delivered for seen in case.seen]
        assert delivered == sorted(delivered, reverse=True)
        assert delivered[-1] < 0.67


def test_ipc_hardly_moves_meanwhile(data: PollMode) -> None:
    for case in polling(data):
        for seen in case.seen:
            assert seen.ipc == pytest.approx(case.seen[0].ipc, rel=0.1)


def test_one_ipc_is_seen_of_the_healthy_and_of_the_starved(data: PollMode) -> None:
    for case in polling(data):
        alike = [pair for pair in combinations(case.seen, 2) if abs(pair[0].ipc / pair[1].ipc - 1.0) < 0.04]
        assert max(abs(one.delivered - other.delivered) for one, other in alike) > 0.15
