"""The whole in plain words: what would have changed, whether that was right as far as anybody knows, and what is not
known."""

from collections.abc import Iterator

from eval.figure import Figure
from eval.shadow.placement import Answer, Fit
from eval.shadow.report import Arms, Changes, Right, Seen
from eval.shadow.went import FEWEST_WORKLOADS


def closing_sentences(seen: Seen, changes: Changes, right: Right, arms: Arms | None) -> tuple[str, ...]:
    """In the order in which an operator asks.

    Args:
        seen: all placements.
        changes, right: of those in the shadow.
        arms: where some were in the shadow and some not.
    """
    return (*_changed(seen, changes), *_was_right(changes, right), *_fared(arms))


def percent(part: int, whole: int) -> str:
    """A count as a share, in whole percent; some are never said to be none, nor all.

    >>> percent(1, 8), percent(1, 1000), percent(0, 9), percent(999, 1000)
    ('12 %', 'under 1 %', '0 %', 'over 99 %')
    """
    share = 100.0 * part / max(whole, 1)
    if 0 < part < whole and not 0.5 <= share < 99.5:
        return "under 1 %" if share < 0.5 else "over 99 %"
    return f"{share:.0f} %"


def interval(figure: Figure) -> str:
    """A share with its interval.

    >>> interval(Figure(value=0.25, lower=0.1, upper=0.5, units=8))
    '25 % (10 to 50)'
    """
    return f"{100 * figure.value:.0f} % ({100 * figure.lower:.0f} to {100 * figure.upper:.0f})"


def _changed(seen: Seen, changes: Changes) -> Iterator[str]:
    if not seen.placements:
        yield "No pod was judged in this period, so there is nothing to say."
        return
    moved, left = changes.count(Answer.MOVE), changes.count(Answer.LEAVE)
    if not changes.placements:
        yield (
            "No pod was in the shadow: all were placed with Leeward's scores, so nothing is known of what would have "
            "been without them."
        )
        return
    if not moved + left:
        yield (
            f"None of {changes.placements} pods in the shadow went to a node that was asked about last, so nothing is "
            "known of what Leeward would have changed."
        )
        return
    yield (
        f"Leeward would have moved {moved} of {moved + left} placements ({percent(moved, moved + left)}): another node "
        "that was asked about scored better."
    )
    if beyond := changes.beyond():
        avoided, no_better = changes.count(Answer.MOVE, Fit.BEYOND), changes.count(Answer.LEAVE, Fit.BEYOND)
        good = changes.count(Answer.MOVE, Fit.BEYOND, Fit.WITHIN)
        yield (
            f"In {beyond} a bound was beyond its tolerance where the pod went. Of these it would have moved {avoided}: "
            f"{good} to where every bound was within."
        )
        if no_better:
            yield (
                f"For {no_better} of them no node that was asked about scored better: all were as bad, or nothing "
                "fresh was known of those that were not."
            )
    else:
        yield "Wherever a pod went and anything was predicted, every bound was within its tolerance."


def _was_right(changes: Changes, right: Right) -> Iterator[str]:
    if not changes.placements:
        return
    moved, left = right.moved, right.left
    known = moved.exceeded + moved.kept, left.exceeded + left.kept
    if not sum(known):
        yield "Nothing is known of how any of them went, so nobody can say whether it would have been right."
        return
    yield (
        f"Of {sum(known)} it is known how they went. Of {known[0]} that it would have moved, {moved.exceeded} had a "
        f"party beyond its tolerance; of {known[1]} that it would have left, {left.exceeded}."
    )
    yield _compared(right)
    yield "What would have become of a moved pod elsewhere, and of the pods there, nobody has measured."


def _compared(right: Right) -> str:
    moved, left = right.moved.share, right.left.share
    if moved is None or left is None:
        return (
            f"That is not enough to say whether it was right: both kinds need {FEWEST_WORKLOADS} workloads with an "
            f"outcome, and there are {right.moved.workloads} and {right.left.workloads}."
        )
    figures = f"{interval(moved)} against {interval(left)} went beyond a tolerance"
    if moved.lower > left.upper:
        return f"What it would have moved fared worse, beyond chance: {figures}."
    if left.lower > moved.upper:
        return f"What it would have left fared worse, beyond chance: {figures}. Don't switch on before you know why."
    return f"Whether what it would have moved fared worse can't be told from chance: {figures}."


def _fared(arms: Arms | None) -> Iterator[str]:
    if arms is None:
        return
    shadowed, steered = arms.shadowed.beyond, arms.steered.beyond
    if shadowed is None or steered is None:
        yield (
            f"Too few workloads to compare those in the shadow with the others: {arms.shadowed.workloads} and "
            f"{arms.steered.workloads} with an outcome, {FEWEST_WORKLOADS} are the least."
        )
        return
    figures = f"{interval(steered)} of their windows were beyond tolerance, {interval(shadowed)} in the shadow"
    if steered.upper < shadowed.lower:
        yield f"Steered workloads fared better, beyond chance: {figures}."
    elif shadowed.upper < steered.lower:
        yield f"Steered workloads fared worse, beyond chance: {figures}. Find out why before more are steered."
    else:
        yield f"Whether steered workloads fared better can't be told from chance: {figures}."
