"""Whole workload groups held out: a row is trained on only if none of its parties is of a held-out group.

Rows are never split at random: windows of one workload look alike, so such a split asks a model about what it saw.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.trace import LabelledTrace
from pipelines.errors import DataError

STRESSOR_GROUP = "stressor"
"""The group of injected stressors. They are instruments, not workloads, so they are never held out."""

FEWEST_GROUPS = 4
"""One held out, one to calibrate on, and two to train on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Folds:
    """Which rows meet which fold of workload groups.

    Attributes:
        folds: groups of each fold.
        victim_fold: int ``(n,)``, the fold of each row's victim; -1 for a victim that is never held out.
        meets: bool ``(n, folds)``, whether any party of a row, victim or co-runner, is of the fold.
    """

    folds: tuple[frozenset[str], ...]
    victim_fold: NDArray[np.intp]
    meets: NDArray[np.bool_]

    def without(self, held_out: Iterable[int]) -> NDArray[np.bool_]:
        """Rows that no held-out fold has a party in: what may be trained on."""
        return np.asarray(~self.meets[:, sorted(held_out)].any(axis=1))


def workload_groups(traces: Iterable[LabelledTrace]) -> tuple[str, ...]:
    """All groups but the stressors', sorted."""
    return tuple(sorted(frozenset().union(*(trace.groups for trace in traces)) - {STRESSOR_GROUP}))


def folds_of(traces: Sequence[LabelledTrace], *, at_most: int) -> Folds:
    """Cut rows by workload group; with no more groups than ``at_most``, each group is a fold of its own.

    Raises:
        DataError: there are fewer than four groups.
    """
    groups = workload_groups(traces)
    if len(groups) < FEWEST_GROUPS:
        raise DataError(
            f"{len(groups)} workload group(s) ({', '.join(groups) or 'none'}) can't be held out from one another: "
            f"{FEWEST_GROUPS} at least are needed; characterise more workloads"
        )
    count = min(len(groups), at_most)
    fold_of = {group: index % count for index, group in enumerate(groups)}
    meets = np.zeros((len(traces), count), dtype=np.bool_)
    for index, trace in enumerate(traces):
        for group in trace.groups - {STRESSOR_GROUP}:
            meets[index, fold_of[group]] = True
    return Folds(
        folds=tuple(frozenset(groups[index::count]) for index in range(count)),
        victim_fold=np.array([fold_of.get(trace.victim.group, -1) for trace in traces], dtype=np.intp),
        meets=meets,
    )
