"""Who was in danger where a newcomer went, by workload: different pods, and placements.

Bounds are worst cases, and each is held against its own party's tolerance. Nothing is summed over workloads: what
several aggressors do together is no sum of what each does.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from eval.shadow.changes import SHOWN
from eval.shadow.placement import Answer, Placement
from eval.shadow.report import Endangered, Harm


@dataclass(slots=True)
class _Danger:
    """UIDs of pods in danger, and of the pods at whose placement they were."""

    newcomers: set[str] = field(default_factory=set)
    residents: set[str] = field(default_factory=set)
    placements: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    worst: float = 0.0

    def row(self, workload: str) -> Endangered:
        return Endangered(
            workload=workload,
            newcomers=len(self.newcomers),
            residents=len(self.residents),
            placements=len(self.placements),
            moved=len(self.moved),
            worst=self.worst,
        )


def harm_of(placements: Sequence[Placement]) -> Harm:
    """Count pods whose bound was beyond their tolerance on the node that was taken; those of version 1 name none."""
    by_workload: defaultdict[str, _Danger] = defaultdict(_Danger)
    for placement in placements:
        for party in placement.parties or ():
            if not party.is_endangered:
                continue
            danger = by_workload[party.workload]
            (danger.newcomers if party.newcomer else danger.residents).add(party.uid)
            danger.placements.add(placement.uid)
            if placement.answer is Answer.MOVE:
                danger.moved.add(placement.uid)
            danger.worst = max(danger.worst, party.bound / party.tolerance)
    all_of = list(by_workload.values())
    rows = sorted(
        (danger.row(workload) for workload, danger in by_workload.items()),
        key=lambda row: (-row.placements, -row.worst, row.workload),
    )
    return Harm(
        placements=sum(placement.parties is not None for placement in placements),
        newcomers=len(set[str]().union(*(danger.newcomers for danger in all_of))),
        residents=len(set[str]().union(*(danger.residents for danger in all_of))),
        at=len(set[str]().union(*(danger.placements for danger in all_of))),
        moved=len(set[str]().union(*(danger.moved for danger in all_of))),
        workloads=tuple(rows[:SHOWN]),
        more=max(len(rows) - SHOWN, 0),
    )
