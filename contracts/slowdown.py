"""What a slowdown is: one number from a workload's own indicator, alone and together.

Throughput is compared at the same offered load: alone over together. A latency quantile the other way round. A value
of 1 is no slowdown; poll-mode network functions spin whatever they do, so cycles or instructions never stand in.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from contracts.errors import ContractError

SLOWDOWN_FLOOR = 0.9
"""A measured slowdown below 1 is noise down to here and kept as measured; further below, the measurement is wrong."""

SLOWDOWN_CEILING = 10.0
"""A victim slowed down further counts as starved: its slowdown is censored here and marked."""


class IndicatorKind(StrEnum):
    """The service-level indicator that a workload is judged by."""

    THROUGHPUT = "throughput"
    LATENCY_P50 = "latency_p50"
    LATENCY_P99 = "latency_p99"


@dataclass(frozen=True, slots=True)
class Slowdown:
    """How much slower together than alone.

    Attributes:
        value: ``SLOWDOWN_FLOOR`` to ``SLOWDOWN_CEILING``.
        censored: the true value lies at or above ``value``.
    """

    value: float
    censored: bool = False


def slowdown_of(kind: IndicatorKind, *, alone: float, together: float) -> Slowdown:
    """The slowdown that two measurements of one indicator say.

    Args:
        kind: what the indicator measures.
        alone: the indicator with the domain to itself, above zero, in the indicator's unit.
        together: the indicator in company; zero throughput or infinite latency is a starved victim.

    Raises:
        ContractError: a measurement is no measurement, or together is better than alone by more than noise.

    >>> slowdown_of(IndicatorKind.THROUGHPUT, alone=10.0, together=8.0)
    Slowdown(value=1.25, censored=False)
    >>> slowdown_of(IndicatorKind.LATENCY_P99, alone=20.0, together=math.inf)
    Slowdown(value=10.0, censored=True)
    """
    if not (math.isfinite(alone) and alone > 0) or math.isnan(together) or together < 0:
        raise ContractError(f"{kind} alone is {alone} and together {together}: both are measured, and alone is above 0")
    numerator, denominator = (alone, together) if kind is IndicatorKind.THROUGHPUT else (together, alone)
    value = numerator / denominator if denominator else math.inf
    if value < SLOWDOWN_FLOOR:
        raise ContractError(
            f"{kind} alone is {alone} and together {together}, a slowdown of {value:.3g}: below {SLOWDOWN_FLOOR} the "
            "two were not measured at the same offered load; measure again"
        )
    return Slowdown(min(value, SLOWDOWN_CEILING), censored=value >= SLOWDOWN_CEILING)
