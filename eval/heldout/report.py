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


Count = Annotated[int, Field(ge=0)]


class AxisConfusion(Document):
    """Windows by what an axis was labelled and what was said of it; a window counts once for each group held out."""

    axis: str
    pressed_said_pressed: Count
    pressed_undecided: Count
    pressed_said_clear: Count
    clear_said_pressed: Count
    clear_undecided: Count
    clear_said_clear: Count


class RegimeConfusion(Document):
    """Windows by labelled and judged regime.

    Attributes:
        regimes: names of rows and columns.
        counts: windows, ``[labelled][judged]``.
        unlabelled: windows of which nobody can say which regime they were.
    """

    regimes: tuple[str, ...]
    counts: tuple[tuple[Count, ...], ...]
    unlabelled: Count


class RegimeFigures(Document):
    """How well regimes are judged; all over workload groups.

    Attributes:
        judge: who judged.
        macro_f1: mean of the F1 of all axes that are pressed in some window; ``None`` where the judge is what labelled,
            or no window has a label.
        macro_f1_injected: the same on windows that a stressor labelled; ``None`` where there is none.
        macro_f1_decided: where an axis is not left undecided, which counts as not pressed in the others; ``None`` for
            a judge that never abstains.
        abstention: share of windows called unknown; ``None`` likewise.
        f1: of each axis, pooled.
        axes, confusion: of the model alone.
    """

    judge: str
    macro_f1: Figure | None
    macro_f1_injected: Figure | None
    macro_f1_decided: Figure | None = None
    abstention: Figure | None = None
    f1: Mapping[str, Share] = Field(default_factory=dict)
    axes: tuple[AxisConfusion, ...] = ()
    confusion: RegimeConfusion | None = None


class GroupCoverage(Document):
    """How often bounds of one unseen group held.

    Attributes:
        group: that was held out.
        rows: of it.
        coverage: share of them; ``units`` are the different companies that it was seen in, each of which counts as
            one row for the interval.
    """

    group: str
    rows: Annotated[int, Field(ge=1)]
    coverage: Figure


class CalibrationPoint(Document):
    """What bounds cover when another rate is stated.

    Attributes:
        nominal: the rate.
        coverage: mean over groups, each by the margin that the other groups' held-out rows give at that rate.
    """

    nominal: Share
    coverage: Figure


class DensityCell(Document):
    """Rows whose slowdown and bound lie in one cell, by its place on either axis."""

    slowdown: Count
    bound: Count
    rows: Annotated[int, Field(ge=1)]


class Density(Document):
    """Rows by slowdown and bound, both from the lowest slowdown to the ceiling in ``bins`` equal ratios."""

    bins: Annotated[int, Field(ge=1)]
    cells: tuple[DensityCell, ...]


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
        by_group: coverage of each group.
        calibration: coverage at other rates than the stated one, without rows beyond what training saw.
        density: bound against measured slowdown.
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
    by_group: tuple[GroupCoverage, ...] = ()
    calibration: tuple[CalibrationPoint, ...] = ()
    density: Density | None = None


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
        contradicted: share of windows whose regime is another than with all events, neither being unknown.
    """

    group: str
    macro_f1: Figure
    macro_f1_decided: Figure
    undecided: Share
    f1: Mapping[str, Share] = Field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    contradicted: Figure


class ClockSettingFigures(Document):
    """What becomes of rows that were measured at one core clock. The clock parts the rows; no model sees it.

    Attributes:
        clock: core clock over nominal clock.
        rows: measured at it.
        coverage, mean_tightness: of bounds of unseen victims, in the best known tier of each.
        macro_f1: of regimes; ``None`` where none is judged.
        contradicted: share of windows whose regime is another than that of the same company on the same node at the
            clock nearest to nominal, neither being unknown; ``None`` at that clock.
    """

    clock: Annotated[float, Field(gt=0.0)]
    rows: Annotated[int, Field(ge=1)]
    coverage: Figure
    mean_tightness: Figure
    macro_f1: Figure | None
    contradicted: Figure | None


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
        source, campaigns: where the traces lie, and of which campaigns they are.
        foreign: some were measured on a CPU that is not characterised, so that no regime is judged, and figures say
            nothing of models for the characterised one.
        training_data: digest of the traces; of their files where they are too many to be put in order.
        rows, windows, groups: how much there was, and which groups were held out in turn. A window counts once for
            each group held out of it.
        fitted_rows: on how many models and baselines were fitted: all, or as many of each group drawn at random. What
            is said of single event groups, clocks and observed workloads is of these.
        rate: share of rows of an unseen group that bounds are stated to hold for.
        confidence: of all intervals.
        left_by_training: the predictions are those that the training left, not made for this report.
        regimes: the model's, then the baselines'; none where no axis is judged.
        bounds: likewise.
        observed: the model's bounds of a workload after some observations of it; none where it has too few windows.
        missing: the model's regimes without each event group.
        clocks: figures of each clock setting, where a campaign set clocks.
        steadiness: of the model's regimes, on the testbed.
        clock: what a vector gives away of it, on the testbed.
    """

    format: Literal["leeward-held-out/3"] = "leeward-held-out/3"
    simulated: bool
    source: str
    campaigns: tuple[str, ...]
    foreign: bool = False
    training_data: Digest
    rows: Annotated[int, Field(ge=1)]
    windows: Count
    fitted_rows: Annotated[int, Field(ge=1)]
    groups: tuple[str, ...]
    rate: Share
    confidence: Share
    left_by_training: bool
    regimes: tuple[RegimeFigures, ...]
    bounds: tuple[BoundFigures, ...]
    observed: tuple[ObservedFigures, ...] = ()
    missing: tuple[MissingFigures, ...] = ()
    clocks: tuple[ClockSettingFigures, ...] = ()
    steadiness: tuple[SteadinessFigures, ...] = ()
    clock: ClockFigures | None = None
