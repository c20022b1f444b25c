"""The second look through a recording: at each placement, what every policy and model would have done.

It is an open loop. Every placement is judged in the world as it was recorded; what an earlier one would have changed
changes nothing for a later one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.nodestate import NodeState
from eval.replay.choices import Choice, ReplayPolicy, choice_with_scores, choice_without_model, scheduler_scores
from eval.replay.judge import Judge
from eval.replay.placements import Period, Placement, Survey
from eval.replay.reading import Recording
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from eval.replay.world import World
from scheduler_extender.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one model says of one placement.

    Attributes:
        verdict: on all feasible nodes.
        ruled_out: those that its filter fails.
        scores: of the others, as the scheduler would have been told them.
        choice: what the scheduler would have taken.
    """

    verdict: Verdict
    ruled_out: frozenset[str]
    scores: Mapping[str, int]
    choice: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One placement under all policies.

    Attributes:
        placement: what happened.
        feasible: nodes that there were to choose from; the one that was taken is among them.
        choices: of the policies without a model.
        judgements: of each model, in the models' order.
    """

    placement: Placement
    feasible: tuple[str, ...]
    choices: Mapping[ReplayPolicy, Choice]
    judgements: tuple[Judgement, ...]


def walk(
    recording: Recording,
    found: Survey,
    *,
    policies: Sequence[ReplayPolicy],
    judges: Sequence[Judge],
    period: Period,
    saw: Callable[[NodeState], None],
    troubles: Counter[Trouble],
) -> Iterator[Judged]:
    """Judge all placements of a survey.

    Args:
        recording: the same.
        found: the survey.
        policies: which ones; ``LEEWARD`` is asked of each judge in any case.
        judges: one a model.
        period: as of the survey.
        saw: told every NodeState of the period that can be believed.
        troubles: counts what the survey has not looked at: NodeStates, and whether pods fitted where they went.
    """
    due: dict[int, list[Placement]] = defaultdict(list)
    for placement in found.placements:
        due[placement.before].append(placement)
    own: Counter[Trouble] = Counter()
    world = World(own)
    without_model = [policy for policy in policies if policy is not ReplayPolicy.LEEWARD]
    for number, event in enumerate(recording.events(Counter())):
        for placement in due.pop(number, ()):
            if not world.has_room_at_all(placement.node):
                own[Trouble.UNKNOWN_NODE] += 1
                continue
            yield _judged(placement, world, judges, without_model, own)
        before = world.state(event.name)
        world.take_over(event)
        now = world.state(event.name)
        if event.kind is Kind.NODE_STATE and now is not before and now.state is not None and event.at in period:
            saw(now.state)
    for trouble in (Trouble.REFUSED_STATE, Trouble.STATE_TWICE, Trouble.DID_NOT_FIT, Trouble.UNKNOWN_NODE):
        troubles[trouble] += own[trouble]


def _judged(
    placement: Placement,
    world: World,
    judges: Sequence[Judge],
    policies: Sequence[ReplayPolicy],
    troubles: Counter[Trouble],
) -> Judged:
    known, recorded = placement.known, placement.node
    feasible = world.feasible(known)
    if recorded not in feasible:
        troubles[Trouble.DID_NOT_FIT] += 1
        feasible.append(recorded)
    news = world.news()
    for judge in judges:
        judge.take_over(news, now=placement.judged)
    own = scheduler_scores(world, known, feasible)
    return Judged(
        placement=placement,
        feasible=tuple(feasible),
        choices={policy: choice_without_model(policy, world, known, own, recorded=recorded) for policy in policies},
        judgements=tuple(_judgement(judge, placement, own) for judge in judges),
    )


def _judgement(judge: Judge, placement: Placement, own: Mapping[str, int]) -> Judgement:
    pod, feasible = placement.known.pod, tuple(own)
    verdict = judge.verdict(pod, feasible, now=placement.judged)
    ruled_out = frozenset(verdict.failed())
    passed = [node for node in feasible if node not in ruled_out]
    told = judge.verdict(pod, passed, now=placement.judged) if ruled_out and passed else verdict
    scores = dict(zip(passed, told.scores.tolist(), strict=True)) if passed else {}
    return Judgement(verdict=verdict, ruled_out=ruled_out, scores=scores, choice=choice_with_scores(own, scores))
