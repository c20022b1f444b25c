"""A recorded period replayed, from files to the report."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eval.progress import Progress, silent
from eval.replay.choices import ReplayPolicy
from eval.replay.judge import Judge, ReplayedModel
from eval.replay.outcomes import NOTHING_KNOWN, KnownOutcomes, known_outcomes, outcomes_of
from eval.replay.placements import ALWAYS, Period, Survey, survey
from eval.replay.reading import Recording
from eval.replay.recorded_decisions import recorded_decisions
from eval.replay.regimes import RegimeTally
from eval.replay.report import ModelFacts, PolicyFigures, RecordingFacts, ReplayReport
from eval.replay.reproduction import ReproductionTally
from eval.replay.tally import PolicyTally, Tally
from eval.replay.trouble import Trouble
from eval.replay.walk import walk
from scheduler_extender.settings import read_settings

if TYPE_CHECKING:
    from eval.watch.evidence import Evidence

CONFIDENCE = 0.9
"""Of all intervals."""
KEPT_WORKLOADS = 256
"""Bounds are kept for so many, whatever the extender's settings say: it changes none, and is 100 MB at 5,000 nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What is asked.

    Attributes:
        recording: see ``eval.replay.recording``.
        state: whose profiles, observations, extender's settings and decisions count.
        models: the first is the yardstick.
        policies: which ones.
        period: placements outside it are left out.
        evidence: where measured slowdowns are; ``None`` where there are none.
        troubles: what was wrong before the recording was looked at.
    """

    recording: Recording
    state: Path
    models: Sequence[ReplayedModel]
    policies: Sequence[ReplayPolicy] = tuple(ReplayPolicy)
    period: Period = ALWAYS
    evidence: "Evidence | None" = None
    troubles: Counter[Trouble] = field(default_factory=Counter)


def replay(asked: Replay, *, progress: Progress = silent) -> ReplayReport:
    """Say what each policy and model would have done.

    Args:
        asked: of which recording.
        progress: told what is being done.

    Raises:
        RecordingError: the recording is empty, or of another form.
        BundleError: a model can't be used.
        ExtenderError: the extender's settings can't be used.
        ContractError, FeatureRepositoryError: outcomes can't be read.
    """
    troubles = Counter(asked.troubles)
    settings = read_settings(asked.state).model_copy(update={"kept_workloads": KEPT_WORKLOADS})
    policy = settings.leeward_policy
    progress("looking through the recording", 0.0)
    decisions = recorded_decisions([asked.recording.directory, asked.state], troubles)
    found = survey(
        asked.recording, decisions, period=asked.period, background=policy.background_namespaces, troubles=troubles
    )
    judges = [Judge(model, state=asked.state, settings=settings) for model in asked.models]
    tally = Tally(
        without_model={policy: PolicyTally() for policy in asked.policies if policy is not ReplayPolicy.LEEWARD},
        models=tuple(PolicyTally() for _ in asked.models),
    )
    reproduction, regimes = ReproductionTally(asked.models), RegimeTally(asked.models)
    judged_uids = []
    for judged in walk(
        asked.recording,
        found,
        policies=asked.policies,
        judges=judges,
        period=asked.period,
        saw=regimes.saw,
        troubles=troubles,
    ):
        tally.add(judged)
        reproduction.add(judged)
        judged_uids.append(judged.placement.uid)
        progress("judging placements", len(judged_uids) / len(found.placements))
    known = NOTHING_KNOWN
    if asked.evidence is not None and found.placements:
        progress("looking for what became of them", 1.0)
        tolerances = {placement.uid: policy.tolerance_of(placement.known.pod) for placement in found.placements}
        known = known_outcomes(found, tolerances, asked.evidence)
    return ReplayReport(
        simulated=asked.recording.simulated,
        recording=_facts(asked, found),
        placements=tally.placements,
        confidence=CONFIDENCE,
        models=tuple(_model(model) for model in asked.models),
        policies=tuple(_policies(asked, tally, known, judged_uids)),
        regimes=regimes.figures(),
        pairs=regimes.pairs(),
        reproduction=reproduction.figures(),
        troubles={trouble.value: troubles[trouble] for trouble in Trouble if troubles[trouble]},
        outcome_troubles=dict(known.troubles),
    )


def _facts(asked: Replay, found: Survey) -> RecordingFacts:
    recording = asked.recording
    return RecordingFacts(
        began=found.began,
        until=found.until,
        since=asked.period.since,
        to=asked.period.until,
        leeward=tuple(sorted({header.leeward for header in recording.headers})),
        sessions=recording.sessions,
        files=recording.files,
        events={kind.value: count for kind, count in found.events.items()},
        there_before=found.there_before,
        decisions=found.decisions,
    )


def _model(model: ReplayedModel) -> ModelFacts:
    manifest = model.bundle.manifest
    return ModelFacts(
        name=model.name, version=manifest.version, digest=model.bundle.digest, simulated=manifest.simulated
    )


def _policies(asked: Replay, tally: Tally, known: KnownOutcomes, judged: Collection[str]) -> list[PolicyFigures]:
    found = [_policy(policy, each, known, judged) for policy, each in tally.without_model.items()]
    if ReplayPolicy.LEEWARD in asked.policies:
        found += [
            _policy(ReplayPolicy.LEEWARD, each, known, judged, model=model.name)
            for model, each in zip(asked.models, tally.models, strict=True)
        ]
    return found


def _policy(
    policy: ReplayPolicy, each: PolicyTally, known: KnownOutcomes, judged: Collection[str], *, model: str = ""
) -> PolicyFigures:
    changed = each.changed
    kept = [uid for uid in judged if uid not in changed]
    return PolicyFigures(
        policy=policy,
        model=model,
        elsewhere=each.elsewhere,
        ruled_out=each.ruled_out,
        no_node=each.no_node,
        nodes_used=each.nodes_used,
        by_yardstick=each.by_yardstick.figures(),
        by_own=each.by_own.figures(),
        overall=each.overall.figures(),
        changed=outcomes_of(changed, known, confidence=CONFIDENCE) if known.exceeded else None,
        kept=outcomes_of(kept, known, confidence=CONFIDENCE) if known.exceeded else None,
    )
