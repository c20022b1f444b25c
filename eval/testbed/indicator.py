"""What workloads are judged by: their own indicators in a scene, and their slowdowns against having the node alone."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from contracts.slowdown import IndicatorKind, slowdown_of
from eval.testbed.equilibrium import solution
from eval.testbed.housekeeping import HOUSEKEEPERS
from eval.testbed.queueing import latency_in_services
from eval.testbed.scene import Scene, arrays_of
from eval.testbed.workload import Workload


def indicators(scene: Scene, workloads: Mapping[int, Workload]) -> NDArray[np.float64]:
    """Requests a second, or microseconds at the 99th percentile, without noise.

    Args:
        scene: all tenants.
        workloads: those that are asked about, by their place among the tenants.
    """
    arrays, found = arrays_of(scene), solution(scene)
    places = np.fromiter(workloads, dtype=np.intp, count=len(workloads))
    by_latency = np.array([each.indicator is not IndicatorKind.THROUGHPUT for each in workloads.values()], dtype=bool)
    request = np.array([each.request_kinstructions for each in workloads.values()])
    values: NDArray[np.float64] = found.rate[places] / request
    late = places[by_latency]
    service_ns = found.service_ns[late]
    load = arrays.offered[late] * service_ns * 1e-9 / arrays.serving[late]
    values[by_latency] = service_ns * latency_in_services(load, arrays.places[late]) * request[by_latency] * 1e-3
    return values


def slowdowns(scene: Scene, workloads: Mapping[int, Workload]) -> list[float]:
    """Each one's slowdown against having the node to itself, without noise.

    Args:
        scene, workloads: as above.
    """
    together = indicators(scene, workloads).tolist()
    return [
        slowdown_of(workload.indicator, alone=_alone(workload, scene.tenants[place].socket), together=value).value
        for (place, workload), value in zip(workloads.items(), together, strict=True)
    ]


@lru_cache(maxsize=1024)
def _alone(workload: Workload, socket: int) -> float:
    own = workload.tenant(socket=socket, threads=workload.exclusive_cores)
    return float(indicators(Scene(tenants=(own, *HOUSEKEEPERS)), {0: workload})[0])
