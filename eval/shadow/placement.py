"""One placement as it was recorded, and what Leeward would have done about it.

The record names one node that was taken and the best of those that were asked about, by Leeward's score alone. What
kube-scheduler's own plugins would have added to it is not recorded.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    """What Leeward would have done: ``move`` where another node scored better, ``leave`` where none did; ``unasked``
    where the node that was taken was not among those that it was asked about last."""

    MOVE = "move"
    LEAVE = "leave"
    UNASKED = "unasked"


class Fit(StrEnum):
    """How a node suits all parties: every bound is ``within`` its tolerance, one at least ``beyond``, or nothing was
    predicted of the node (``unbounded``)."""

    WITHIN = "within"
    BEYOND = "beyond"
    UNBOUNDED = "unbounded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedParty:
    """One party in one domain of the node that was taken.

    Attributes:
        uid, namespace, workload: of its pod.
        domain: where; a newcomer stands once in each that may take it.
        newcomer: it is the one that came.
        bound: the slowdown that it was not to exceed once the newcomer is there, 1 or more.
        tolerance: the slowdown that it tolerates, 1 or more.
    """

    uid: str
    namespace: str
    workload: str
    domain: str
    newcomer: bool
    bound: float
    tolerance: float

    @property
    def is_endangered(self) -> bool:
        """Whether its bound is beyond what it tolerates."""
        return self.bound > self.tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One pod's placement; see ``scheduler_extender.decisions.Decision``.

    Attributes:
        decided: when it was judged last, UTC.
        uid, namespace, workload: of the pod.
        node: where it went.
        champion: digest of the bundle that judged.
        shadowed: the scheduler was told that all nodes are alike.
        required: nodes beyond its tolerance were no choice for it.
        nodes: how many were asked about last.
        failed: how many the filter ruled out, or would have.
        score, ratio: of the node taken, 0 to 10, and the worst ratio of a bound to its tolerance; ``None`` where it was
            not asked about, or nothing is predicted of it.
        best_score, best_ratio: of the best node asked about.
        parties: at the node taken; ``None`` where the record is of version 1, which names none.
    """

    decided: datetime
    uid: str
    namespace: str
    workload: str
    node: str
    champion: str
    shadowed: bool
    required: bool
    nodes: int
    failed: int
    score: int | None
    ratio: float | None
    best_score: int
    best_ratio: float | None
    parties: tuple[PlacedParty, ...] | None

    @property
    def answer(self) -> Answer:
        """What Leeward would have done."""
        if self.score is None:
            return Answer.UNASKED
        return Answer.MOVE if self.score < self.best_score else Answer.LEAVE

    @property
    def here(self) -> Fit:
        """How the node that was taken suits."""
        return fit_of(self.ratio)

    @property
    def there(self) -> Fit:
        """How the best node suits."""
        return fit_of(self.best_ratio)

    @property
    def points_lost(self) -> int:
        """By how much the best node scored better; 0 where the one taken was not asked about."""
        return 0 if self.score is None else self.best_score - self.score

    @property
    def is_ruled_out(self) -> bool:
        """Whether the filter named some nodes, and the pod's own bound on the node taken is beyond what it requires.

        A filter rules out by bounds on fresh states only, and the record does not say how fresh the state was.
        """
        own = any(party.newcomer and party.is_endangered for party in self.parties or ())
        return self.required and self.failed > 0 and own

    @property
    def may_be_ruled_out(self) -> bool:
        """Whether the filter named some nodes, and nothing recorded says that the node taken was none of them.

        It may have been ruled out in the name of a resident, of whom it is not recorded what he requires.
        """
        known_to_pass = self.score is not None and self.here is not Fit.BEYOND
        return self.failed > 0 and not known_to_pass and not self.is_ruled_out


def fit_of(ratio: float | None) -> Fit:
    """What the worst ratio of a bound to its tolerance means."""
    if ratio is None:
        return Fit.UNBOUNDED
    return Fit.BEYOND if ratio > 1.0 else Fit.WITHIN
