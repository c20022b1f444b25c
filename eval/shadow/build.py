"""From what a state directory holds to the report."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from eval.errors import EvaluationError
from eval.shadow.changes import changes_of
from eval.shadow.closing import closing_sentences
from eval.shadow.harm import harm_of
from eval.shadow.outcomes import SKEW, Outcomes, Windows, outcomes_of
from eval.shadow.placement import Answer, Fit, Placement
from eval.shadow.recorded import read_placements
from eval.shadow.report import ChampionSeen, Odd, Seen, ShadowReport
from eval.shadow.selection import Selection
from eval.shadow.trouble import Trouble, Troubles
from eval.shadow.went import CONFIDENCE, FEWEST_WORKLOADS, arms_of, held, right_of
from eval.watch.bounds import Judge
from eval.watch.evidence import Evidence
from scheduler_extender.decisions import DECISIONS
from serving.bundle_directory import read_bundle
from serving.champion import bundle_place
from serving.errors import BundleError


def shadow_report(
    state: Path, evidence: Evidence, *, selection: Selection | None = None, now: datetime | None = None
) -> ShadowReport:
    """Read what was recorded, join it with what happened, and count.

    Args:
        state: the state directory.
        evidence: what happened.
        selection: which placements; all where absent.
        now: UTC; the machine's clock where absent.

    Raises:
        EvaluationError: nothing was ever recorded there.
        ContractError, FeatureRepositoryError, OSError: something can't be read.
    """
    directory, asked = state / DECISIONS, selection or Selection()
    if not directory.is_dir():
        raise EvaluationError(
            f"{directory} is not there: name a state directory in which an extender recorded its decisions, or lay "
            "what it recorded there"
        )
    troubles, today = Troubles(), now or datetime.now(UTC)
    every = read_placements(directory, latest=today + SKEW, troubles=troubles)
    placements = [placement for placement in every if asked.takes(placement)]
    outcomes = outcomes_of(every, {placement.uid for placement in placements}, evidence, until=today, troubles=troubles)
    troubles.add(Trouble.NO_OUTCOME, sum(placement.uid not in outcomes.exceeded for placement in placements))
    in_shadow = [placement for placement in placements if placement.shadowed]
    steered = [placement for placement in placements if not placement.shadowed]
    seen = _seen(placements, outcomes, state, troubles)
    changes, right = changes_of(in_shadow, outcomes.exceeded), right_of(in_shadow, outcomes)
    arms = arms_of(placements, outcomes)
    return ShadowReport(
        simulated=outcomes.simulated or any(champion.simulated for champion in seen.champions),
        outcomes_simulated=outcomes.simulated,
        confidence=CONFIDENCE,
        fewest_workloads=FEWEST_WORKLOADS,
        namespace=asked.namespace,
        workload=asked.workload,
        begin=asked.begin,
        end=asked.end,
        seen=seen,
        shadowed=changes,
        steered=changes_of(steered, outcomes.exceeded),
        harm=harm_of(in_shadow),
        right=right,
        arms=arms,
        odd=tuple(
            Odd(what=what, count=count, first=troubles.first.get(what, ""))
            for what, count in sorted(troubles.counts.items())
        ),
        closing=closing_sentences(seen, changes, right, arms),
    )


def _seen(placements: Sequence[Placement], outcomes: Outcomes, state: Path, troubles: Troubles) -> Seen:
    digests = dict.fromkeys(placement.champion for placement in placements)
    return Seen(
        began=placements[0].decided if placements else None,
        ended=placements[-1].decided if placements else None,
        placements=len(placements),
        pods_required=sum(placement.required for placement in placements),
        shadowed=sum(placement.shadowed for placement in placements),
        unasked=sum(placement.answer is Answer.UNASKED for placement in placements),
        unbounded=sum(
            placement.answer is not Answer.UNASKED and placement.here is Fit.UNBOUNDED for placement in placements
        ),
        without_parties=sum(placement.parties is None for placement in placements),
        champions=tuple(
            _champion(
                digest, [one for one in placements if one.champion == digest], outcomes, state=state, troubles=troubles
            )
            for digest in digests
        ),
    )


def _champion(
    digest: str, judged: Sequence[Placement], outcomes: Outcomes, *, state: Path, troubles: Troubles
) -> ChampionSeen:
    version, simulated, stated = _bundle_of(digest, state, troubles)
    groups: Mapping[str, Windows] = outcomes.by_champion.get(digest, {})
    return ChampionSeen(
        digest=digest,
        version=version,
        simulated=simulated,
        stated=stated,
        first=judged[0].decided,
        last=judged[-1].decided,
        placements=len(judged),
        windows=sum(windows.all for windows in groups.values()),
        groups=len(groups),
        held=held(groups),
    )


def _bundle_of(digest: str, state: Path, troubles: Troubles) -> tuple[str, bool | None, float | None]:
    """Version, whether it was trained on the testbed, and the rate that it states; unknown where it is gone."""
    place = bundle_place(state, digest)
    if not place.is_dir():
        troubles.add(Trouble.VANISHED, said=digest)
        return "", None, None
    try:
        bundle = read_bundle(place, expected_digest=digest)
        return bundle.manifest.version, bundle.manifest.simulated, Judge(bundle).stated_rate
    except BundleError as error:
        troubles.add(Trouble.NO_BOUNDS, said=str(error))
        return "", None, None
