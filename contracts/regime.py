"""Regime v1: from one probability an axis to one word for the domain."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.axis import AXES, Axis
from contracts.canonical import digest
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1

MINIMUM_PRESENT_FEATURES = 10
"""With fewer features than this, a vector is not judged."""


class Regime(StrEnum):
    """What presses a domain: nothing, one axis, several, or nobody can tell."""

    QUIET = "quiet"
    LLC = "llc"
    MEMBW = "membw"
    SMT = "smt"
    FRONTEND = "frontend"
    TLB = "tlb"
    DDIO = "ddio"
    UPI = "upi"
    LOCK = "lock"
    MIXED = "mixed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Threshold:
    """An axis is pressed at or above ``pressed``, clear at or below ``clear``, undecided between.

    Raises:
        ContractError: not ``0 <= clear < pressed <= 1``.
    """

    clear: float = 0.4
    pressed: float = 0.6

    def __post_init__(self) -> None:
        if not 0.0 <= self.clear < self.pressed <= 1.0:
            raise ContractError(
                f"threshold has clear={self.clear}, pressed={self.pressed}; 0 <= clear < pressed <= 1 is meant"
            )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A regime and the axes that led to it.

    Attributes:
        regime: the one word.
        pressed: axes over their threshold, in contract order, also where the regime is ``mixed``.
        undecided: axes between their two thresholds.
    """

    regime: Regime
    pressed: tuple[Axis, ...] = ()
    undecided: tuple[Axis, ...] = field(default=())


def judge(
    probabilities: Mapping[Axis, float],
    *,
    present_features: int,
    characterised: bool,
    thresholds: Mapping[Axis, Threshold] | None = None,
) -> Judgement:
    """The contract's one rule.

    The regime is what every reading of the undecided axes agrees on: two pressed axes are ``mixed`` whatever the
    undecided ones are; with fewer, one undecided axis makes it ``unknown``.

    Args:
        probabilities: calibrated probability an axis, 0 to 1. NaN or absence means that the model does not judge that
            axis; it then neither presses nor clears.
        present_features: how many features of the vector have a value.
        characterised: whether the CPU is one that the models were made for.
        thresholds: per axis; the contract's default where absent.

    Raises:
        ContractError: a probability lies outside [0, 1].
    """
    thresholds = thresholds or {}
    judged = {
        axis: probabilities[axis] for axis in AXES if axis in probabilities and not math.isnan(probabilities[axis])
    }
    for axis, probability in judged.items():
        if not 0.0 <= probability <= 1.0:
            raise ContractError(f"probability of {axis} is {probability}, outside [0, 1]")
    if not characterised or present_features < MINIMUM_PRESENT_FEATURES or not judged:
        return Judgement(Regime.UNKNOWN)
    default = Threshold()
    pressed = tuple(a for a, p in judged.items() if p >= thresholds.get(a, default).pressed)
    undecided = tuple(
        a for a, p in judged.items() if thresholds.get(a, default).clear < p < thresholds.get(a, default).pressed
    )
    return Judgement(_regime_of(pressed, undecided), pressed, undecided)


def _regime_of(pressed: tuple[Axis, ...], undecided: tuple[Axis, ...]) -> Regime:
    if len(pressed) > 1:
        return Regime.MIXED
    if undecided:
        return Regime.UNKNOWN
    return Regime(pressed[0].value) if pressed else Regime.QUIET


REGIME_DIGEST_V1 = digest(
    {
        "contract": "regime",
        "version": 1,
        "axes": [axis.value for axis in AXES],
        "regimes": [regime.value for regime in Regime],
        "minimumPresentFeatures": MINIMUM_PRESENT_FEATURES,
        "defaultThreshold": {"clear": Threshold().clear, "pressed": Threshold().pressed},
        "rule": "two pressed: mixed; else any undecided: unknown; else one pressed: its name; else quiet",
        "features": FEATURE_SCHEMA_V1.digest,
    }
)
