"""The replay's report, as it is written down."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Document, UtcTime
from contracts.nodestate import Digest, Share
from eval.figure import Figure
from eval.replay.choices import ReplayPolicy

REPLAY_FILE = "replay.json"
"""Within ``<state>/reports``."""

OPEN_LOOP = (
    "Open loop: every placement is judged in the world as it was recorded. Later ones are not moved by what an earlier "
    "one would have changed, since nobody measured the world that did not happen."
)

Count = Annotated[int, Field(ge=0)]
Mean = Annotated[float, Field(ge=0.0)]
"""A count in the mean over ties, each node of the best score being as likely."""


class RecordingFacts(Document):
    """What was replayed.

    Attributes:
        began, until: of the first and the last event, by the recorder's clock.
        since, to: what was asked about, where that was said.
        leeward: releases that wrote it.
        sessions: how often a recorder was started.
        files: of events.
        events: of each kind.
        there_before: pods that were bound when recording began.
        decisions: that extenders wrote in the period.
    """

    began: UtcTime
    until: UtcTime
    since: UtcTime | None
    to: UtcTime | None
    leeward: tuple[str, ...]
    sessions: Count
    files: Count
    events: dict[str, Count]
    there_before: Count
    decisions: Count


class ModelFacts(Document):
    """A model that was asked."""

    name: str
    version: str
    digest: Digest
    simulated: bool


class Eased(Document):
    """The worst ratio of a party's bound to its tolerance, where pods went and where they would have gone.

    Attributes:
        placements: of which both nodes are bounded.
        recorded, chosen: means of the ratio where the pod went, and where it would have gone.
        recorded_over, chosen_over: shares where it is above 1, so that a tolerance may be exceeded.
    """

    placements: Mean
    recorded: float
    chosen: float
    recorded_over: Share
    chosen_over: Share


class Outcomes(Document):
    """Of placements that a policy would have changed, or left as they were: whether the pod really suffered.

    Attributes:
        exceeded: share whose median slowdown was above what it tolerates; ``None`` of no placement with an outcome.
        without: placements whose slowdown nobody measured.
    """

    exceeded: Figure | None
    without: Count


class PolicyFigures(Document):
    """One policy, or Leeward with one model.

    Attributes:
        policy, model: the model is empty where there is none.
        elsewhere: placements that it would have sent to another node.
        ruled_out: placements whose recorded node its filter would have failed.
        no_node: placements that it would have sent nowhere.
        nodes_used: nodes that would have got a pod at all.
        by_yardstick: of those sent elsewhere, as the yardstick bounds; ``None`` where nothing can be said.
        by_own: the same, as the model itself bounds.
        overall: of all placements, as the yardstick bounds.
        changed, kept: of placements whose node was not, or was, among its choices; ``None`` where no outcome is known
            of any placement.
    """

    policy: ReplayPolicy
    model: str = ""
    elsewhere: Mean
    ruled_out: Count = 0
    no_node: Count = 0
    nodes_used: Mean
    by_yardstick: Eased | None
    by_own: Eased | None = None
    overall: Eased | None = None
    changed: Outcomes | None = None
    kept: Outcomes | None = None


class RegimeFigures(Document):
    """One model on the recorded windows.

    Attributes:
        windows: of all domains, each once.
        as_published: share judged as the agent published.
        unknown, published_unknown: shares that are ``unknown`` to the model, and to the agent then.
    """

    model: str
    windows: Count
    as_published: Share
    unknown: Share
    published_unknown: Share


class PairFigures(Document):
    """Share of windows that two models judge alike."""

    first: str
    second: str
    agreed: Share


class Reproduction(Document):
    """The replay held against what the extender wrote.

    Attributes:
        decisions: on placements that were judged.
        reproduced: the same model gives the node that was taken the same score and ratio.
        asked_otherwise: the scheduler asked about another number of nodes than have room, as far as it is recorded.
        differences: why the others are not reproduced.
    """

    decisions: Count
    reproduced: Count
    asked_otherwise: Count
    differences: dict[str, Count]


class ReplayReport(Document):
    """All of it.

    Attributes:
        open_loop: what must not be read out of it.
        simulated: the recorded cluster was the testbed's.
        placements: that were judged.
        models: the first is the yardstick.
        troubles: what was wrong with what was read, by name.
        outcome_troubles: the same of outcomes.
    """

    format: Literal["leeward-replay/1"] = "leeward-replay/1"
    open_loop: str = OPEN_LOOP
    simulated: bool
    recording: RecordingFacts
    placements: Count
    confidence: Share
    models: tuple[ModelFacts, ...]
    policies: tuple[PolicyFigures, ...]
    regimes: tuple[RegimeFigures, ...]
    pairs: tuple[PairFigures, ...]
    reproduction: Reproduction
    troubles: dict[str, Count]
    outcome_troubles: dict[str, Count]

    @property
    def yardstick(self) -> str:
        """The model that all policies are measured by: the champion that serves."""
        return self.models[0].name
