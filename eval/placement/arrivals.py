"""Who comes when, and when they leave; the same for every policy."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.errors import EvaluationError
from eval.placement.demand import Demand
from eval.placement.settings import PlacementSettings
from eval.testbed.hardware import SOCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One pod's life, as far as its tenant decides it.

    Attributes:
        uid: of the pod.
        demand: what it asks for.
        at_seconds, until_seconds: since the start.
        nic: number of the socket whose network card it attaches to, ``None`` where it needs none.
    """

    uid: str
    demand: Demand
    at_seconds: float
    until_seconds: float
    nic: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All arrivals.

    Attributes:
        arrivals: in order of time.
        measured_from_seconds: when the stated load was first asked for.
        end_seconds: when measuring ends; who is there then stays.
    """

    arrivals: tuple[Arrival, ...]
    measured_from_seconds: float
    end_seconds: float


def draw_schedule(
    functions: Sequence[Demand],
    background: Sequence[Demand],
    settings: PlacementSettings,
    *,
    capacity_cpus: int,
    rng: np.random.Generator,
) -> Schedule:
    """Draw arrivals with exponential gaps and stays (a Poisson process of births, each with its own death).

    Groups come equally often, and so do the variants of a group. Nobody comes before the agents' first window is over.

    Args:
        functions, background: what there is to draw from, one of each at least.
        settings: gaps, stays, loads.
        capacity_cpus: of the cluster.
        rng: for everything drawn.

    Raises:
        EvaluationError: the load is never reached, since stays are too short for the gaps.
    """
    arrivals: list[Arrival] = []
    leaving: list[tuple[float, int]] = []
    now, asked_cpus, after = settings.window_seconds, 0, 0
    measured_from: float | None = None
    background_share = settings.background_share if settings.mix.has_background else 0.0
    while after < settings.churn or len(arrivals) < settings.pods:
        now += float(rng.exponential(settings.fill_gap_seconds if measured_from is None else settings.gap_seconds))
        while leaving and leaving[0][0] <= now:
            asked_cpus -= heapq.heappop(leaving)[1]
        is_background = rng.random() < background_share
        demand = _drawn(background if is_background else functions, rng)
        stay = float(rng.exponential(settings.background_stay_seconds if is_background else settings.stay_seconds))
        if asked_cpus + demand.cpus > settings.most_load * capacity_cpus:
            continue
        asked_cpus += demand.cpus
        heapq.heappush(leaving, (now + stay, demand.cpus))
        arrivals.append(
            Arrival(
                uid=f"pod-{len(arrivals):04d}",
                demand=demand,
                at_seconds=now,
                until_seconds=now + stay,
                nic=int(rng.integers(SOCKETS)) if demand.needs_nic else None,
            )
        )
        after += measured_from is not None
        if measured_from is None and asked_cpus >= settings.load * capacity_cpus:
            measured_from = now
        if measured_from is None and len(arrivals) > 4 * capacity_cpus:
            raise EvaluationError(
                f"{len(arrivals)} arrivals never held {100 * settings.load:.0f} % of {capacity_cpus} CPUs at once: let "
                "pods stay longer, or come faster"
            )
    assert measured_from is not None
    return Schedule(
        arrivals=tuple(arrivals), measured_from_seconds=measured_from, end_seconds=now + settings.last_seconds
    )


def _drawn(demands: Sequence[Demand], rng: np.random.Generator) -> Demand:
    groups = sorted({demand.workload.group for demand in demands})
    group = groups[int(rng.integers(len(groups)))]
    variants = [demand for demand in demands if demand.workload.group == group]
    return variants[int(rng.integers(len(variants)))]
