"""Now, by the clocks of a reading."""

import time

from agent.clocks import asleep_ns
from agent.sources.protocol import Reading


def moment() -> Reading:
    """A reading of nothing: what a source gives that could not be opened."""
    return Reading(wall_ns=time.time_ns(), monotonic_ns=time.monotonic_ns(), asleep_ns=asleep_ns())
