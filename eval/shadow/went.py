"""How placements really went: was Leeward right, did bounds hold, and did the steered fare better?

A workload is one voice. Its pods, placements and windows are alike, so an interval counts each workload as one row.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import fmean

from eval.figure import Figure
from eval.intervals import share_of_alike
from eval.shadow.outcomes import Outcomes, Replicas, Windows
from eval.shadow.placement import Answer, Fit, Placement
from eval.shadow.report import Arm, Arms, Right, Went

CONFIDENCE = 0.9
FEWEST_WORKLOADS = 5
"""Of fewer no share is told: what none of five showed may still be up to 45 % (Clopper and Pearson, at 90 %)."""


def right_of(placements: Sequence[Placement], outcomes: Outcomes) -> Right:
    """What is known of placements, by what Leeward would have done, and by how the node taken suits."""

    def went(chosen: Callable[[Placement], bool]) -> Went:
        return _went([placement for placement in placements if chosen(placement)], outcomes.exceeded)

    return Right(
        moved=went(lambda placement: placement.answer is Answer.MOVE),
        left=went(lambda placement: placement.answer is Answer.LEAVE),
        unsaid=went(lambda placement: placement.answer is Answer.UNASKED),
        beyond=went(lambda placement: placement.here is Fit.BEYOND),
        within=went(lambda placement: placement.here is Fit.WITHIN),
        unbounded=went(lambda placement: placement.here is Fit.UNBOUNDED),
        windows=outcomes.windows,
        at_ceiling=outcomes.at_ceiling,
    )


def arms_of(placements: Sequence[Placement], outcomes: Outcomes) -> Arms | None:
    """Workloads in the shadow against the others; ``None`` where all that came were treated alike.

    Args:
        placements: that are reported on; they tell who is in the shadow.
        outcomes: of windows, by workload and namespace, as the shadow is cut.
    """
    in_shadow, steered = (
        {
            Replicas(namespace=placement.namespace, workload=placement.workload)
            for placement in placements
            if placement.shadowed is shadowed
        }
        for shadowed in (True, False)
    )
    if not in_shadow or not steered:
        return None
    known = outcomes.by_replicas
    return Arms(
        shadowed=_arm(known, in_shadow - steered),
        steered=_arm(known, steered - in_shadow),
        changed=len(in_shadow & steered),
        unknown=len(known.keys() - in_shadow - steered),
    )


def held(groups: Mapping[str, Windows]) -> Figure | None:
    """Share of windows within their bound, mean over workload groups; ``None`` where these are too few."""
    return _mean_share([1.0 - windows.share for windows in groups.values()])


def _arm(known: Mapping[Replicas, Windows], chosen: Collection[Replicas]) -> Arm:
    there = [known[party] for party in chosen if party in known]
    return Arm(
        workloads=len(there),
        windows=sum(windows.all for windows in there),
        beyond=_mean_share([windows.share for windows in there]),
    )


def _mean_share(shares: Sequence[float]) -> Figure | None:
    if len(shares) < FEWEST_WORKLOADS:
        return None
    return Figure.of(share_of_alike(min(fmean(shares), 1.0), len(shares), confidence=CONFIDENCE), units=len(shares))


def _went(placements: Sequence[Placement], exceeded: Mapping[str, bool]) -> Went:
    known = [placement for placement in placements if placement.uid in exceeded]
    beyond = sum(exceeded[placement.uid] for placement in known)
    workloads = len({(placement.namespace, placement.workload) for placement in known})
    share = None
    if workloads >= FEWEST_WORKLOADS:
        share = Figure.of(share_of_alike(beyond / len(known), workloads, confidence=CONFIDENCE), units=workloads)
    return Went(
        exceeded=beyond,
        kept=len(known) - beyond,
        unknown=len(placements) - len(known),
        workloads=workloads,
        share=share,
    )
