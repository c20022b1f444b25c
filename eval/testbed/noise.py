"""What makes two windows of the same equilibrium differ."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eval.testbed.equilibrium import Flows

DoubleArray = NDArray[np.float64]

TRAFFIC_WOBBLE = 0.02
"""A tenant's work in one window against its mean, as a standard deviation of the logarithm."""
MISS_WOBBLE = 0.03
"""The same of its misses, of its waits and of its rings."""
COUNT_NOISE = 0.003
"""The same of a single count of one row."""
ROTATION_NOISE = 0.03
"""The same of all counts of a group that sees only a part of the window, at a small part."""
INDICATOR_NOISE = 0.015
"""The same of a workload's own indicator."""


def factors(rng: np.random.Generator, deviation: float, shape: int | tuple[int, ...]) -> DoubleArray:
    """Log-normal factors around 1."""
    return np.exp(deviation * rng.standard_normal(shape))


def one_window(flows: Flows, rng: np.random.Generator) -> Flows:
    """The equilibrium as one window shows it: every tenant's work, misses, waits, rings, code and pages a little
    off their means."""
    tenants = len(flows.rate)
    traffic = factors(rng, TRAFFIC_WOBBLE, tenants)
    misses, waits, rings, code, pages = factors(rng, MISS_WOBBLE, (5, tenants))
    missed = np.minimum(flows.misses * misses, flows.accesses)
    busy = np.minimum(flows.busy * traffic, 1.0)
    return replace(
        flows,
        rate=flows.rate * traffic,
        busy=busy,
        active=np.maximum(np.minimum(flows.active * np.where(flows.active < 1.0, traffic, 1.0), 1.0), busy),
        misses=missed,
        miss_wait_ns=flows.miss_wait_ns * waits,
        fetches=flows.fetches * code,
        code_accesses=flows.code_accesses * code,
        walks=flows.walks * pages,
        evicted=np.minimum(flows.evicted * rings, 1.0),
        read=flows.read * traffic * misses,
        written=flows.written * traffic * misses,
    )
