"""The held-out report, as it is written down: figures on workloads that no model had seen."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Document
from contracts.nodestate import Digest, Share
from contracts.profile import Tier
from eval.figure import Figure
from pipelines.predictions import HeldOutKind

HELD_OUT_FILE = "heldout.json"
"""Within ``<state>/reports``."""


class RegimeFigures(Document):
    """How well regimes are judged; all over workload groups.

    Attributes:
        judge: who judged.
        macro_f1: mean of the F1 of all axes that are pressed in some window; ``None`` where the judge is what labelled.
        macro_f1_injected: the same on windows that a stressor labelled.
        macro_f1_decided: where an axis is not left undecided, which counts as not pressed in the others; ``None`` for
            a judge that never abstains.
        abstention: share of windows called unknown; ``None`` likewise.
        f1: of each axis, pooled.
    """

    judge: str
    macro_f1: Figure | None
    macro_f1_injected: Figure
    macro_f1_decided: Figure | None = None
    abstention: Figure | None = None
    f1: Mapping[str, Share] = Field(default_factory=dict)


class BoundFigures(Document):
    """How well bounds hold and how tight they are; all but the exact one over workload groups by bootstrap.

    Attributes:
        bounder: who bounded.
        kind: how the group was unseen.
        tier: of the victims' profiles; ``None`` for a bound that looks at no profile.
        coverage: mean over groups of the share of rows that the bound held for.
        coverage_pooled: share of all rows.
        coverage_worst_group: the least of the groups, which is ``worst_group``. Resampling groups never finds a worse
            one, so the lower end of its interval is the value itself.
        groups_at_rate: share of groups whose own coverage reaches the stated rate, with an exact interval.
        tightness, mean_tightness: median and mean of bound over slowdown.
        ceiling: share of bounds that are the ceiling, which promise nothing.
        median_error, mean_error: median and mean of the middle prediction's absolute relative error.
    """

    bounder: str
    kind: HeldOutKind
    tier: Tier | None
    coverage: Figure
    coverage_pooled: Figure
    coverage_worst_group: Figure
    worst_group: str
    groups_at_rate: Figure
    tightness: Figure
    mean_tightness: Figure
    ceiling: Figure
    median_error: Figure
    mean_error: Figure


class ObservedFigures(Document):
    """What becomes of probed victims' bounds once they were observed in company.

    Attributes:
        observations: windows of the workload in company that its own margin has seen.
        coverage: share of its other windows that the bound held for, mean over groups.
        mean_tightness: mean of bound over slowdown.
        coverage_worst_workload: the least of the workloads.
    """

    observations: Annotated[int, Field(ge=0)]
    coverage: Figure
    mean_tightness: Figure
    coverage_worst_workload: Share


class MissingFigures(Document):
    """How well regimes of the same windows are judged where a node lacks one group of events.

    Attributes:
        group: of events, see ``pipelines.event_groups``.
        macro_f1: with an undecided axis counted as not pressed.
        macro_f1_decided: where an axis is not left undecided.
        undecided: share of axes left undecided.
        f1: of each axis, pooled, with an undecided axis counted as not pressed.
        unseen: axes that nothing reveals any more; they are not judged, and in none of the figures.
    """

    group: str
    macro_f1: Figure
    macro_f1_decided: Figure
    undecided: Share
    f1: Mapping[str, Share] = Field(default_factory=dict)
    unseen: tuple[str, ...] = ()


class SteadinessFigures(Document):
    """What becomes of regimes of scenes with an unseen workload when only the clock turns, or events are missing.

    Attributes:
        change: what was changed.
        contradicted: share of windows whose regime is another than without the change, neither being unknown.
        published: the same of two windows in a row on one node, after the agent's hysteresis.
        unknown: share of windows called unknown.
    """

    change: str
    contradicted: Figure
    published: Figure
    unknown: Figure


class ClockFigures(Document):
    """What the whole vector gives away of the core clock.

    Attributes:
        variance_explained: of the clock, by trees that try, on unseen workloads; 0 or less is nothing.
        windows: at clocks drawn at random.
    """

    variance_explained: Figure
    windows: Annotated[int, Field(ge=1)]


class HeldOutReport(Document):
    """All of it.

    Attributes:
        simulated: the traces come from the testbed.
        training_data: digest of the traces.
        rows, windows, groups: how much there was, and which groups were held out in turn.
        rate: share of rows of an unseen group that bounds are stated to hold for.
        confidence: of all intervals.
        left_by_training: the predictions are those that the training left, not made for this report.
        regimes: the model's, then the baselines'.
        bounds: likewise.
        observed: the model's bounds of a workload after some observations of it; none where it has too few windows.
        missing: the model's regimes without each event group.
        steadiness: of the model's regimes, on the testbed.
        clock: what a vector gives away of it, on the testbed.
    """

    format: Literal["leeward-held-out/2"] = "leeward-held-out/2"
    simulated: bool
    training_data: Digest
    rows: Annotated[int, Field(ge=1)]
    windows: Annotated[int, Field(ge=1)]
    groups: tuple[str, ...]
    rate: Share
    confidence: Share
    left_by_training: bool
    regimes: tuple[RegimeFigures, ...]
    bounds: tuple[BoundFigures, ...]
    observed: tuple[ObservedFigures, ...] = ()
    missing: tuple[MissingFigures, ...] = ()
    steadiness: tuple[SteadinessFigures, ...] = ()
    clock: ClockFigures | None = None
