"""Rows that the interference model is trained on and held out with, built by the code that serves.

Each trace gives one row a tier of its victim's profile: as ``probed``, with the victim's answers to probes, and as
``counters``, as if only its solo vector were known. The vector is the one *before* the latest arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.profile import Tier, WorkloadProfile
from contracts.vector import FloatArray
from pipelines.dataset import TraceDataset
from serving.interference_row import KnownWorkload, interference_row, known_workload, worst_pressures_of

TIERS = (Tier.COUNTERS, Tier.PROBED)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InterferenceRows:
    """Rows of all traces and tiers.

    Attributes:
        matrix: float32 ``(n, len(INTERFERENCE_COLUMNS))``.
        trace: int ``(n,)``, which trace of the dataset a row is of.
        tier: ``(n,)`` of ``Tier``, as what the victim's profile is taken.
        victim_group: str ``(n,)``, the workload group of each row's victim.
        log_slowdown: float64 ``(n,)``, natural logarithm of the measured slowdown.
        censored: bool ``(n,)``, the true slowdown lies at or above the measured one.
    """

    matrix: FloatArray
    trace: NDArray[np.intp]
    tier: NDArray[np.str_]
    victim_group: NDArray[np.str_]
    log_slowdown: NDArray[np.float64]
    censored: NDArray[np.bool_]

    def of_tier(self, tier: Tier) -> NDArray[np.bool_]:
        """bool ``(n,)``."""
        return np.asarray(self.tier == tier.value)


def interference_rows(dataset: TraceDataset, population: Sequence[WorkloadProfile]) -> InterferenceRows:
    """All rows.

    Args:
        dataset: traces and the profiles that they name.
        population: the known workloads; as in serving, the highest pressure of any stands in for one that is missing.
    """
    known = {digest: known_workload(profile) for digest, profile in dataset.profiles_by_digest.items()}
    worst = worst_pressures_of([known_workload(profile) for profile in population])
    matrix, trace_index, tiers = [], [], []
    for index, trace in enumerate(dataset.traces):
        others = [known[party.profile] for party in trace.co_runners]
        for victim in _as_each_tier(known[trace.victim.profile]):
            matrix.append(
                interference_row(before=trace.before_values, victim=victim, others=others, worst_pressures=worst)
            )
            trace_index.append(index)
            tiers.append(victim.tier.value)
    traces = [dataset.traces[index] for index in trace_index]
    return InterferenceRows(
        matrix=np.stack(matrix),
        trace=np.array(trace_index, dtype=np.intp),
        tier=np.array(tiers),
        victim_group=np.array([trace.victim.group for trace in traces]),
        log_slowdown=np.log([trace.slowdown for trace in traces]),
        censored=np.array([trace.censored for trace in traces]),
    )


def _as_each_tier(victim: KnownWorkload) -> tuple[KnownWorkload, ...]:
    blind = KnownWorkload(
        key=victim.key,
        tier=Tier.COUNTERS,
        conservative=victim.conservative,
        pressures=victim.pressures,
        sensitivities=np.full_like(victim.sensitivities, np.nan),
    )
    if np.isnan(victim.sensitivities).all():
        return (blind,)
    probed = KnownWorkload(
        key=victim.key,
        tier=Tier.PROBED,
        conservative=victim.conservative,
        pressures=victim.pressures,
        sensitivities=victim.sensitivities,
    )
    return blind, probed
