import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.deltas import BlockDelta
from agent.empty_channels import CLOCK, COMMANDS, without_empty_channels
from contracts.events import Pmu

EVENTS = (COMMANDS, CLOCK, "UNC_M_CAS_COUNT.WR")


def block(rows: list[tuple[float, float]], *, good: list[bool] | None = None, pmu: Pmu = Pmu.IMC) -> BlockDelta:
    return BlockDelta(
        pmu=pmu,
        events=EVENTS,
        instances=tuple(f"uncore_imc_{index}@socket0" for index in range(len(rows))),
        domains=("socket0",),
        codes=np.zeros(len(rows), dtype=np.intp),
        scaled=np.array([(commands, clock, commands / 2) for commands, clock in rows], dtype=np.float64).reshape(-1, 3),
        good=np.array([True] * len(rows) if good is None else good, dtype=np.bool_),
    )


def test_a_channel_that_ticks_and_carries_nothing_is_no_part_of_the_memory() -> None:
    delta = without_empty_channels(block([(40.0, 100.0), (0.0, 100.0), (20.0, 100.0)]))
    assert delta.instances == ("uncore_imc_0@socket0", "uncore_imc_2@socket0")
    assert delta.scaled[:, 0].tolist() == [40.0, 20.0]
    assert delta.codes.tolist() == [0, 0]
    assert delta.good.tolist() == [True, True]


def test_where_no_channel_has_memory_nothing_is_left() -> None:
    delta = without_empty_channels(block([(0.0, 100.0)] * 2))
    assert delta.instances == ()
    assert delta.scaled.shape == (0, 3)


def test_rows_that_cannot_be_believed_and_other_blocks_stay() -> None:
    bad = block([(0.0, 0.0), (1.0, 2.0)], good=[False, True])
    assert without_empty_channels(bad) is bad
    other = block([(0.0, 100.0)], pmu=Pmu.CHA)
    assert without_empty_channels(other) is other


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 7.0]), st.sampled_from([0.0, 3.0])), max_size=8))
def test_what_is_left_out_adds_nothing_to_any_sum_of_commands(rows: list[tuple[float, float]]) -> None:
    before, after = block(rows), without_empty_channels(block(rows))
    assert after.scaled[:, [0, 2]].sum() == before.scaled[:, [0, 2]].sum()
    assert len(after.instances) == len(after.codes) == len(after.good) == len(after.scaled)
    assert not ((after.scaled[:, 0] == 0) & (after.scaled[:, 1] > 0)).any()
