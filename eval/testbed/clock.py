"""What sets the core clock, and what the core clock does to counters.

The core clock is a confounder: it follows a core's and its socket's utilisation, the power that wide instructions take,
and temperature; contention is without regard to it. Utilisation is taken as it follows from what is offered, not from
how slowly it is served. The equilibrium is solved at the nominal clock, in nanoseconds; how much work is done and what
it asks of caches and memory stays the same whatever the clock. Another clock only changes how many core clocks an
unhalted second has, and how they divide between work, which takes a number of clocks, and waiting for memory, which
takes a number of nanoseconds.
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.hardware import CORES_PER_SOCKET, SOCKETS
from eval.testbed.scene import Scene, arrays_of

DoubleArray = NDArray[np.float64]

IDLE_TURBO = 0.15
"""By how much the clock rises from a socket whose cores are all busy to one where few are: the 8480+ runs at 3.0 GHz
on all cores and up to 3.8 on one (Intel product page); most of that goes within the first cores."""
WIDE_LICENCE = 0.15
"""By how much a core that runs AVX-512 or AMX all the time is slower (*assumed*, of the order of the gap between the
8480+'s turbo tables for SSE and AMX)."""
WIDE_POWER = 0.08
"""By how much all cores of a socket are slower where all of them do so, since power is one budget (*assumed*)."""
THERMAL_MEMORY = 0.8
"""Of a socket's thermal deviation, what is left in the next window."""
THERMAL_NOISE = 0.02
CORE_NOISE = 0.01
"""Standard deviations of the clock's logarithm: of the socket's temperature, of one occupant's cores."""


def waiting_share(waited: DoubleArray, ratio: DoubleArray) -> DoubleArray:
    """The share of core clocks that passes in a wait counted in nanoseconds.

    A share ``m`` at the nominal clock becomes ``m / (m + (1 - m) / ratio)``: 0.3 becomes 0.23 at 0.7 of the clock and
    0.39 at 1.5 of it.

    Args:
        waited: share of time waited at the nominal clock, 0 to 1.
        ratio: clock over nominal clock, above zero.
    """
    return np.asarray(waited / (waited + (1.0 - waited) / ratio))


class Clocks:
    """The core clocks of one node, window after window.

    Args:
        rng: for temperature and the differences between cores.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._thermal = THERMAL_NOISE * rng.standard_normal(SOCKETS)

    def advance(self, scene: Scene, setting: float) -> DoubleArray:
        """The next window's clock of each tenant's cores, over the nominal one.

        Args:
            scene: who runs.
            setting: the node's own clock over the nominal one, with all cores busy.
        """
        fresh = THERMAL_NOISE * np.sqrt(1.0 - THERMAL_MEMORY**2)
        self._thermal = THERMAL_MEMORY * self._thermal + fresh * self._rng.standard_normal(SOCKETS)
        noise = self._thermal[arrays_of(scene).socket] + CORE_NOISE * self._rng.standard_normal(len(scene.tenants))
        return np.asarray(setting * steady_clock(scene) * np.exp(noise))


def steady_clock(scene: Scene) -> DoubleArray:
    """Of each tenant's cores, over that of a socket whose cores are all busy, without noise."""
    arrays = arrays_of(scene)
    wide = arrays.core_wide
    of_socket = (arrays.socket == np.arange(SOCKETS)[:, None]).astype(np.float64)
    busy_cores = np.minimum(of_socket @ (arrays.threads * arrays.utilisation) / CORES_PER_SOCKET, 1.0)
    wide_cores = np.minimum(of_socket @ (arrays.threads * arrays.utilisation * wide) / CORES_PER_SOCKET, 1.0)
    sockets = (1.0 + IDLE_TURBO * (1.0 - busy_cores)) * (1.0 - WIDE_POWER * wide_cores)
    return np.asarray(sockets[arrays.socket] * (1.0 - WIDE_LICENCE * wide))
