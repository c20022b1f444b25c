"""How large a placement comparison is."""

from dataclasses import dataclass, field

from eval.errors import EvaluationError
from eval.placement.mix import Mix
from eval.placement.policies import SHORT, PolicyName
from eval.testbed.cluster import NODE_KINDS
from scheduler_extender.policy import LeewardPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSettings:
    """What arrives, and how often it is played.

    Attributes:
        seed: of everything: which groups are left out together, arrivals, the nodes' noise, ties.
        mix: what kind of pods come.
        policies: under which each run is played; the default scheduler is always among them.
        nodes: of the cluster.
        pods: arrivals in all, at least; 0 leaves it to ``churn``.
        parts: workload groups are cut into so many parts; each run places one part, unseen by the bundle of that run.
        repetitions: how often each part is placed, with other arrivals; there are ``parts * repetitions`` runs.
        runs: only so many of them, the first; all where absent.
        fill_gap_seconds, gap_seconds: mean time between arrivals until the cluster holds ``load``, and after.
        load: share of the cluster's CPUs that is requested when the measurement begins.
        most_load: an arrival that would lift the share beyond this does not come.
        churn: arrivals after the cluster holds ``load``.
        background_share: of arrivals that are batch jobs.
        stay_seconds, background_stay_seconds: mean stay of a network function, and of a batch job.
        last_seconds: how long is measured after the last arrival.
        window_seconds, heartbeat_seconds: of the agents.
        leeward_policy: the extender's, but for shadow mode, in which there would be nothing to compare.
        confidence: of all intervals.
        workers: processes that play runs beside one another; 1 plays all in this one.

    Raises:
        EvaluationError: a number makes no sense.
    """

    seed: int = 2
    mix: Mix = Mix.MIXED
    policies: tuple[PolicyName, ...] = SHORT
    nodes: int = len(NODE_KINDS)
    pods: int = 0
    parts: int = 3
    repetitions: int = 2
    runs: int | None = None
    fill_gap_seconds: float = 5.0
    gap_seconds: float = 25.0
    load: float = 0.5
    most_load: float = 0.7
    churn: int = 30
    background_share: float = 0.3
    stay_seconds: float = 3600.0
    background_stay_seconds: float = 1200.0
    last_seconds: float = 300.0
    window_seconds: float = 10.0
    heartbeat_seconds: float = 120.0
    leeward_policy: LeewardPolicy = field(default_factory=LeewardPolicy)
    confidence: float = 0.9
    workers: int = 2

    def __post_init__(self) -> None:
        if self.parts < 2 or self.repetitions < 1 or self.parts * self.repetitions < 2 or self.workers < 1:
            raise EvaluationError(
                f"{self.parts} parts, {self.repetitions} repetitions, {self.workers} workers: two parts and one of the "
                "others at least"
            )
        if not 0.0 < self.load <= self.most_load <= 1.0 or not 0.0 <= self.background_share < 1.0:
            raise EvaluationError(
                f"load {self.load}, at most {self.most_load}, {self.background_share} of it background: shares that "
                "rise in this order, and some network functions, are meant"
            )
        if self.nodes < 1 or self.pods < 0 or (self.runs is not None and self.runs < 2):
            raise EvaluationError(
                f"{self.nodes} nodes, {self.pods} pods, {self.runs} runs: one node and two runs at least"
            )
        if PolicyName.DEFAULT not in self.policies or len(set(self.policies)) < len(self.policies):
            raise EvaluationError(
                f"policies are {', '.join(self.policies)}: each once, and {PolicyName.DEFAULT} among them, which the "
                "others are compared with"
            )
        if self.leeward_policy.shadow_share > 0.0:
            raise EvaluationError(
                f"shadowShare is {self.leeward_policy.shadow_share:g}: pods in the shadow are placed as if Leeward "
                "were not there, so there is nothing to compare; leave it out"
            )
        if self.churn < 1 or min(self.fill_gap_seconds, self.gap_seconds, self.window_seconds) <= 0.0:
            raise EvaluationError("nothing arrives, or time stands still: give arrivals, gaps and windows above zero")


_PARTS = 4
"""Of the whole catalogue: each is left out of a bundle, and still has workloads for every mix."""
_USUAL_NODES = len(NODE_KINDS)
_ROOM_ABOVE = 0.2


def settings_for(
    *,
    mix: str,
    policies: str,
    nodes: int,
    pods: int,
    seeds: int,
    load: float,
    leeward_policy: LeewardPolicy | None = None,
) -> PlacementSettings:
    """Settings of a comparison of some size; arrivals come the closer together, the more nodes there are.

    Args:
        mix, policies: names, policies with commas between; all policies where empty.
        nodes, pods, load: as in the settings.
        seeds: runs, two at least.
        leeward_policy: an operator's, of which shadow mode is left out; the defaults where absent.

    Raises:
        EvaluationError: there is no such mix or policy, or a number makes no sense.
    """
    names = [name.strip() for name in policies.split(",") if name.strip()]
    if mix not in set(Mix):
        raise EvaluationError(f"no mix is called {mix!r}: there are {', '.join(Mix)}")
    for name in names:
        if name not in set(PolicyName):
            raise EvaluationError(f"no policy is called {name!r}: there are {', '.join(PolicyName)}")
    usual = PlacementSettings()
    closer = _USUAL_NODES / nodes
    return PlacementSettings(
        mix=Mix(mix),
        policies=tuple(map(PolicyName, names)) or tuple(PolicyName),
        nodes=nodes,
        pods=pods,
        parts=_PARTS,
        repetitions=-(-seeds // _PARTS),
        runs=seeds,
        load=load,
        most_load=min(load + _ROOM_ABOVE, 1.0),
        fill_gap_seconds=usual.fill_gap_seconds * closer,
        gap_seconds=usual.gap_seconds * closer,
        leeward_policy=(leeward_policy or usual.leeward_policy).model_copy(update={"shadow_share": 0.0}),
    )
