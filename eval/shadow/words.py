"""What the terminal and the page say alike."""

from collections.abc import Iterator
from datetime import datetime

from eval.shadow.closing import percent
from eval.shadow.placement import Answer, Fit
from eval.shadow.report import Cell, ChampionSeen, Changes, Harm, Right, ShadowReport, Went

ANSWERS = {Answer.MOVE: "moved it", Answer.LEAVE: "left it", Answer.UNASKED: "was not asked about it"}
FITS = {Fit.WITHIN: "within", Fit.BEYOND: "beyond", Fit.UNBOUNDED: "nothing known"}
KINDS = {
    "moved": "Leeward would have moved it",
    "left": "would have left it",
    "unsaid": "was not asked about it",
    "beyond": "bound beyond tolerance",
    "within": "bound within",
    "unbounded": "nothing known there",
}
"""Of ``Right``: what stands in its fields."""


def stamp(at: datetime) -> str:
    """To the minute, UTC."""
    return f"{at:%Y-%m-%d %H:%M}"


def short(digest: str) -> str:
    """A digest that people can compare."""
    return digest.removeprefix("sha256:")[:12] or "none"


def simulated_sentence(report: ShadowReport) -> str:
    """What of it is simulated; empty where nothing is known to be."""
    if report.outcomes_simulated:
        return "SIMULATED. Outcomes are of a testbed: nothing here was measured on hardware."
    if report.simulated:
        return "SIMULATED TRAINING. A champion was trained on a testbed's output; no outcome is marked so."
    return ""


def period(report: ShadowReport) -> str:
    """From when to when pods were judged."""
    seen = report.seen
    if seen.began is None or seen.ended is None:
        return "none"
    return f"{stamp(seen.began)} to {stamp(seen.ended)} UTC"


def asked_for(report: ShadowReport) -> str:
    """What the report was narrowed to; empty where it was not."""
    said = (
        f"from {stamp(report.begin)}" if report.begin else "",
        f"before {stamp(report.end)}" if report.end else "",
        f"namespace {report.namespace}" if report.namespace else "",
        f"workload {report.workload}" if report.workload else "",
    )
    return ", ".join(part for part in said if part)


def stated_of(champion: ChampionSeen) -> str:
    """The rate that a bundle states for its bounds."""
    return "not known" if champion.stated is None else f"{100 * champion.stated:.0f} %"


def cells_shown(changes: Changes) -> tuple[Cell, ...]:
    """Cells in the order in which they are read; how the best node suits is told where it is another one."""
    shown: dict[tuple[Answer, Fit, Fit], Cell] = {}
    for cell in changes.cells:
        there = cell.there if cell.answer is Answer.MOVE else cell.here
        key = (cell.answer, cell.here, there)
        before = shown.get(key)
        shown[key] = Cell(
            answer=cell.answer,
            here=cell.here,
            there=there,
            placements=cell.placements + (before.placements if before else 0),
            exceeded=cell.exceeded + (before.exceeded if before else 0),
            kept=cell.kept + (before.kept if before else 0),
        )
    answers, fits = list(Answer), [Fit.BEYOND, Fit.WITHIN, Fit.UNBOUNDED]
    return tuple(
        sorted(
            shown.values(),
            key=lambda cell: (answers.index(cell.answer), fits.index(cell.here), -fits.index(cell.there)),
        )
    )


def best_fit(cell: Cell) -> str:
    """How the best node suits, where it is another one."""
    return FITS[cell.there] if cell.answer is Answer.MOVE else ""


def went(exceeded: int, kept: int) -> str:
    """How many went beyond a tolerance, of those with an outcome."""
    return f"{exceeded} of {exceeded + kept}" if exceeded + kept else "not known"


def kinds_of(right: Right) -> Iterator[tuple[str, Went]]:
    """Those that there are, by name."""
    for field, name in KINDS.items():
        kind: Went = getattr(right, field)
        if kind.exceeded + kind.kept + kind.unknown:
            yield name, kind


def points_sentence(changes: Changes) -> str:
    """By how much the best node scored better."""
    few, some, many = sum(changes.points_lost[:1]), sum(changes.points_lost[1:4]), sum(changes.points_lost[4:])
    return (
        f"Of what it would have moved, the best node scored better by 1 point in {few}, by 2 to 4 in {some}, by 5 and "
        f"more in {many}; a point stands for 5 % of the worst ratio of a bound to its tolerance."
    )


def ruled_out_sentence(report: ShadowReport) -> str:
    """What is recorded of the filter; empty where it would have ruled out nothing."""
    changes = report.shadowed
    if not changes.ruled_out + changes.perhaps_ruled_out:
        return ""
    return (
        f"The filter would have ruled out the node taken for {changes.ruled_out} pods that require their tolerance, if "
        f"its state was fresh. For {changes.perhaps_ruled_out} more it would have ruled out some node, and whether "
        "that was the one taken is not recorded."
    )


def outvoted_sentence(report: ShadowReport) -> str:
    """Of pods that were placed with Leeward's scores; empty where there were none."""
    steered = report.steered
    if not steered.placements:
        return ""
    moved = steered.count(Answer.MOVE)
    return (
        f"{steered.placements} more were placed with Leeward's scores; {moved} of them "
        f"({percent(moved, steered.placements)}) went elsewhere than to a best node: kube-scheduler's other plugins "
        f"have their say. In {steered.beyond()} a bound was beyond its tolerance where the pod went."
    )


def harm_sentence(harm: Harm) -> str:
    """Who was in danger, all workloads together."""
    return (
        f"{harm.newcomers} newcomers and {harm.residents} pods that were there before had a bound beyond what they "
        f"tolerate, at {harm.at} of {harm.placements} placements; {harm.moved} of these Leeward would have moved. "
        "Different pods are counted, and bounds are worst cases: nothing is summed over workloads. Whether a pod was "
        "in danger before the newcomer came is not recorded."
    )


MOVED_CAUTION = (
    "Each placement is judged in the cluster as it was: had earlier pods been moved, later ones would have met "
    "another. kube-scheduler adds scores of its own, so a better score of Leeward's is not always a move."
)
OUTCOME_CAUTION = (
    "Beyond: a party was beyond its tolerance in more than half of its labelled windows until the next placement on "
    "that node; whether the newcomer was why is not known. Labels name workloads and no pods; of several pods of one "
    "workload in a domain the least tolerance counts."
)
ARMS_CAUTION = (
    "The shadow is cut by workload and namespace, all replicas alike, so each workload counts once. Both sides share "
    "nodes: who is steered away spares the others, too."
)
