"""Which features, and so which contention axes, a set of events is enough for."""

from dataclasses import dataclass

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisOffer:
    """How much of a contention axis can be seen.

    Attributes:
        axis: the axis.
        available: features that reveal it and can be computed.
        features: features that reveal it, 1 or more.
    """

    axis: Axis
    available: int
    features: int


def offered_features(events: frozenset[str]) -> tuple[str, ...]:
    """Features of which the formula or a fallback has all its events, in schema order.

    Args:
        events: the contract's events that count, ceilings (``NODE.*``) among them.

    >>> offered_features(frozenset({"LONGEST_LAT_CACHE.MISS", "LONGEST_LAT_CACHE.REFERENCE"}))
    ('l3_request_miss_ratio',)
    """
    return tuple(
        spec.name for spec in FEATURE_SCHEMA_V1.features if any(events_of(node) <= events for node in spec.formulas)
    )


def in_the_way_of(lacking: frozenset[str], *, events: frozenset[str]) -> tuple[str, ...]:
    """Features that are not offered, and of which some formula needs one of the lacking events, in schema order.

    Args:
        lacking: events that one cause keeps from counting.
        events: those that count.
    """
    offered = set(offered_features(events))
    return tuple(
        spec.name
        for spec in FEATURE_SCHEMA_V1.features
        if spec.name not in offered and any(not events_of(node).isdisjoint(lacking) for node in spec.formulas)
    )


def axis_offers(available: tuple[str, ...]) -> tuple[AxisOffer, ...]:
    """What is left of each axis, in the contract's order.

    Args:
        available: names of features that can be computed.
    """
    revealing = {axis: [spec.name for spec in FEATURE_SCHEMA_V1.features if axis in spec.axes] for axis in Axis}
    return tuple(
        AxisOffer(axis=axis, available=sum(name in available for name in names), features=len(names))
        for axis, names in revealing.items()
    )
