"""What is counted over placements: where each policy would have gone, and how that is bounded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eval.replay.choices import Choice, ReplayPolicy
from eval.replay.report import Eased
from eval.replay.walk import Judged


@dataclass(slots=True)
class EasedTally:
    """Over placements of which both nodes are bounded: where the pod went, and where it would have gone."""

    weight: float = 0.0
    recorded: float = 0.0
    chosen: float = 0.0
    recorded_over: float = 0.0
    chosen_over: float = 0.0

    def add(self, recorded: float, chosen: NDArray[np.float64], share: float) -> None:
        """One placement.

        Args:
            recorded: worst ratio of a bound to its tolerance where the pod went; NaN where nothing is predicted.
            chosen: the same of each node where it would have gone.
            share: of the placement that each of these stands for.
        """
        known = chosen[~np.isnan(chosen)]
        if np.isnan(recorded) or not len(known):
            return
        weight = share * len(known)
        self.weight += weight
        self.recorded += weight * recorded
        self.chosen += share * float(known.sum())
        self.recorded_over += weight * (recorded > 1.0)
        self.chosen_over += share * float((known > 1.0).sum())

    def figures(self) -> Eased | None:
        """``None`` where nothing can be said."""
        if not self.weight:
            return None
        return Eased(
            placements=self.weight,
            recorded=self.recorded / self.weight,
            chosen=self.chosen / self.weight,
            recorded_over=min(self.recorded_over / self.weight, 1.0),
            chosen_over=min(self.chosen_over / self.weight, 1.0),
        )


@dataclass(slots=True)
class PolicyTally:
    """One policy, or one model.

    Attributes:
        elsewhere: placements that it would have sent elsewhere, in the mean over ties.
        no_node: those that it would have sent nowhere.
        ruled_out: those whose recorded node it would have ruled out.
        by_yardstick, by_own: of those sent elsewhere, as the yardstick bounds, and as the model itself does.
        overall: of all, as the yardstick bounds.
        changed: UIDs of pods that it would not have left where they went, whatever ties there were.
    """

    elsewhere: float = 0.0
    no_node: int = 0
    ruled_out: int = 0
    by_yardstick: EasedTally = field(default_factory=EasedTally)
    by_own: EasedTally = field(default_factory=EasedTally)
    overall: EasedTally = field(default_factory=EasedTally)
    changed: set[str] = field(default_factory=set)
    _left_out: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 1.0))

    def add(self, judged: Judged, choice: Choice, *, ratios: Sequence[NDArray[np.float64]]) -> None:
        """One placement.

        Args:
            judged: what happened.
            choice: where it would have gone.
            ratios: of the feasible nodes; of the yardstick, and of the model where the policy has one.
        """
        recorded = judged.placement.node
        if recorded not in choice:
            self.changed.add(judged.placement.uid)
        if not choice:
            self.no_node += 1
            return
        share = 1.0 / len(choice)
        others = [node for node in choice if node != recorded]
        self.elsewhere += share * len(others)
        for node in choice:
            self._left_out[node] *= 1.0 - share
        place_of = {node: place for place, node in enumerate(judged.feasible)}
        everywhere, elsewhere = (_places(place_of, nodes) for nodes in (choice, others))
        for eased, each in zip((self.by_yardstick, self.by_own), ratios, strict=False):
            eased.add(float(each[place_of[recorded]]), each[elsewhere], share)
        self.overall.add(float(ratios[0][place_of[recorded]]), ratios[0][everywhere], share)

    @property
    def nodes_used(self) -> float:
        """How many nodes would have got a pod at all, in the mean over ties."""
        return sum(1.0 - left_out for left_out in self._left_out.values())


def _places(place_of: Mapping[str, int], nodes: Iterable[str]) -> NDArray[np.intp]:
    return np.array([place_of[node] for node in nodes], dtype=np.intp)


@dataclass(slots=True)
class Tally:
    """All policies, and all models in their order; the first model is the yardstick."""

    without_model: dict[ReplayPolicy, PolicyTally]
    models: tuple[PolicyTally, ...]
    placements: int = 0

    def add(self, judged: Judged) -> None:
        """One placement."""
        self.placements += 1
        yardstick = judged.judgements[0].verdict.ratios
        for policy, choice in judged.choices.items():
            self.without_model[policy].add(judged, choice, ratios=[yardstick])
        for tally, judgement in zip(self.models, judged.judgements, strict=True):
            tally.ruled_out += judged.placement.node in judgement.ruled_out
            tally.add(judged, judgement.choice, ratios=[yardstick, judgement.verdict.ratios])
