import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR, IndicatorKind, Slowdown, slowdown_of

LATENCIES = [IndicatorKind.LATENCY_P50, IndicatorKind.LATENCY_P99]


def test_throughput_is_alone_over_together() -> None:
    assert slowdown_of(IndicatorKind.THROUGHPUT, alone=10.0, together=4.0) == Slowdown(2.5)


@pytest.mark.parametrize("kind", LATENCIES)
def test_latency_is_together_over_alone(kind: IndicatorKind) -> None:
    assert slowdown_of(kind, alone=20.0, together=50.0) == Slowdown(2.5)


def test_noise_below_one_is_kept_as_measured() -> None:
    assert slowdown_of(IndicatorKind.THROUGHPUT, alone=0.95, together=1.0).value == 0.95


@pytest.mark.parametrize(
    ("kind", "alone", "together"),
    [
        (IndicatorKind.THROUGHPUT, 10.0, 0.0),
        (IndicatorKind.THROUGHPUT, 10.0, 0.5),
        (IndicatorKind.LATENCY_P99, 1.0, math.inf),
        (IndicatorKind.LATENCY_P99, 1.0, SLOWDOWN_CEILING),
    ],
)
def test_a_starved_victim_is_censored_and_not_dropped(kind: IndicatorKind, alone: float, together: float) -> None:
    assert slowdown_of(kind, alone=alone, together=together) == Slowdown(SLOWDOWN_CEILING, censored=True)


@pytest.mark.parametrize(
    ("alone", "together"), [(0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, -1.0)]
)
@pytest.mark.parametrize("kind", IndicatorKind)
def test_what_is_no_measurement_is_refused(kind: IndicatorKind, alone: float, together: float) -> None:
    with pytest.raises(ContractError, match="both are measured, and alone is above 0"):
        slowdown_of(kind, alone=alone, together=together)


def test_better_in_company_than_alone_was_measured_wrongly() -> None:
    with pytest.raises(ContractError, match=r"a slowdown of 0\.5: below 0\.9 the two were not measured"):
        slowdown_of(IndicatorKind.LATENCY_P50, alone=2.0, together=1.0)


@given(st.sampled_from(IndicatorKind), st.floats(1e-6, 1e9), st.floats(SLOWDOWN_FLOOR * 1.001, 100.0))
def test_it_gives_back_how_much_slower_it_was(kind: IndicatorKind, alone: float, slower: float) -> None:
    together = alone / slower if kind is IndicatorKind.THROUGHPUT else alone * slower
    measured = slowdown_of(kind, alone=alone, together=together)
    assert measured.value == pytest.approx(min(slower, SLOWDOWN_CEILING))
    assert SLOWDOWN_FLOOR <= measured.value <= SLOWDOWN_CEILING
    assert measured.censored is (measured.value == SLOWDOWN_CEILING)
