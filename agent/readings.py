"""Several sources' readings of one moment, as one."""

from collections.abc import Sequence

from agent.sources.protocol import Reading


def merge(readings: Sequence[Reading]) -> Reading:
    """All blocks and gauges; the moment is that of the first reading.

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
        blocks=tuple(block for reading in readings for block in reading.blocks),
        gauges=gauges,
    )
