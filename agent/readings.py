"""Readings put together: several sources at one moment, and one window's samples as its two ends."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from agent.sources.protocol import Reading


def merge(readings: Sequence[Reading]) -> Reading:
    """All blocks and gauges; the moment is that of the first reading, time asleep whatever one of them knows.

    Args:
        readings: one a source, at least one, in the same order each time.
    """
    gauges: dict[str, dict[str, float]] = {}
    for reading in readings:
        for domain, values in reading.gauges.items():
            gauges.setdefault(domain, {}).update(values)
    return Reading(
        wall_ns=readings[0].wall_ns,
        monotonic_ns=readings[0].monotonic_ns,
        asleep_ns=max(reading.asleep_ns for reading in readings),
        blocks=tuple(block for reading in readings for block in reading.blocks),
        gauges=gauges,
    )


def ends_of(samples: Sequence[Reading]) -> tuple[Reading, Reading]:
    """The first and the last sample of a window, the last with every gauge's mean over the window.

    Counters are cumulative, so what lies between says nothing more of them, and need not have them. A gauge is the mean
    of the samples after the first that have it.

    Args:
        samples: two or more, in the order of time.
    """
    first, *later = samples
    seen: dict[str, dict[str, list[float]]] = {}
    for sample in later:
        for domain, values in sample.gauges.items():
            for event, value in values.items():
                seen.setdefault(domain, {}).setdefault(event, []).append(value)
    means = {domain: {event: fmean(values) for event, values in events.items()} for domain, events in seen.items()}
    return first, replace(later[-1], gauges=means)
