"""How large a placement comparison is."""

from dataclasses import dataclass

from eval.errors import EvaluationError


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSettings:
    """What arrives, and how often it is played.

    Attributes:
        seed: of everything: which groups are left out together, arrivals, the nodes' noise, ties.
        parts: workload groups are cut into so many parts; each run places one part, unseen by the bundle of that run.
        repetitions: how often all of them are cut anew; there are ``parts * repetitions`` runs.
        fill_gap_seconds, gap_seconds: mean time between arrivals until the cluster holds ``load``, and after.
        load: share of the cluster's CPUs that is requested when the measurement begins.
        most_load: an arrival that would lift the share beyond this does not come.
        churn: arrivals after the cluster holds ``load``.
        background_share: of arrivals that are batch jobs.
        stay_seconds, background_stay_seconds: mean stay of a network function, and of a batch job.
        last_seconds: how long is measured after the last arrival.
        window_seconds, heartbeat_seconds: of the agents.
        confidence: of all intervals.
        workers: processes that play runs beside one another; 1 plays all in this one.

    Raises:
        EvaluationError: a number makes no sense.
    """

    seed: int = 2
    parts: int = 3
    repetitions: int = 2
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
        if self.churn < 1 or min(self.fill_gap_seconds, self.gap_seconds, self.window_seconds) <= 0.0:
            raise EvaluationError("nothing arrives, or time stands still: give arrivals, gaps and windows above zero")
