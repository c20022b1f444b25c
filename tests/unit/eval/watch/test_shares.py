"""One value a period, whatever the number of windows."""

from hypothesis import given
from hypothesis import strategies as st

from eval.watch.shares import Shares

rows = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=60)


@given(rows, st.integers(2, 50))
def test_a_workload_with_many_more_windows_counts_no_more(seen: list[tuple[str, bool]], times: int) -> None:
    many = [row for row in seen for _ in range(times if row[0] == "a" else 1)]
    assert abs(Shares().plus(many).mean - Shares().plus(seen).mean) < 1e-12


@given(rows, rows)
def test_a_period_that_goes_on_is_as_one_that_was_longer(
    first: list[tuple[str, bool]], then: list[tuple[str, bool]]
) -> None:
    both = Shares().plus(first).plus(then)
    assert both == Shares().plus([*first, *then])
    assert Shares.from_json(both.to_json()) == both
    assert 0.0 <= both.mean <= 1.0
    assert len(both) == len({cluster for cluster, _ in (*first, *then)})
