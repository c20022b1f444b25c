"""The shadow report, as it is written down: what Leeward would have changed, and what is known of how it went."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Document, UtcTime
from contracts.nodestate import Share
from eval.figure import Figure
from eval.shadow.placement import Answer, Fit

SHADOW_FILE = "shadow.json"
"""Within ``<state>/reports``."""

Count = Annotated[int, Field(ge=0)]


class Odd(Document):
    """Something that was wrong with what is recorded.

    Attributes:
        what: its name.
        count: how often.
        first: where it was first met, or what was said of it; empty where there is nothing to add.
    """

    what: str
    count: Annotated[int, Field(ge=1)]
    first: str = ""


class ChampionSeen(Document):
    """One bundle that judged.

    Attributes:
        digest, version: of the bundle; version empty where it is not in the state directory.
        simulated: trained on the testbed's output; ``None`` where that is not known.
        stated: share of windows that it states its bounds hold for; ``None`` likewise.
        first, last: when it judged, of the placements that are reported on.
        placements: that it judged.
        windows: with an outcome, of parties that it bounded.
        groups: workload groups that these are of.
        held: share of windows whose slowdown stayed within the bound, mean over groups; ``None`` where there are too
            few groups.
    """

    digest: str
    version: str
    simulated: bool | None
    stated: Share | None
    first: UtcTime
    last: UtcTime
    placements: Count
    windows: Count
    groups: Count
    held: Figure | None


class Seen(Document):
    """How much was seen.

    Attributes:
        began, ended: when the first and the last pod was judged; ``None`` where none was.
        placements, pods_required: all, and of pods that require their tolerance.
        shadowed: of pods that were only looked at.
        unasked: where the node that was taken was not among those asked about last.
        unbounded: where it was, and nothing was predicted of it.
        without_parties: recorded in a form that names no parties.
        champions: in the order in which they first judged.
    """

    began: UtcTime | None
    ended: UtcTime | None
    placements: Count
    pods_required: Count
    shadowed: Count
    unasked: Count
    unbounded: Count
    without_parties: Count
    champions: tuple[ChampionSeen, ...]


class Cell(Document):
    """Placements that are alike in what was recorded, and how they went.

    Attributes:
        answer: what Leeward would have done.
        here, there: how the node taken suits, and the best one.
        placements: all of them.
        exceeded, kept: those with an outcome, by whether a party was beyond its tolerance in more than half of its
            windows.
    """

    answer: Answer
    here: Fit
    there: Fit
    placements: Count
    exceeded: Count
    kept: Count


class Spread(Document):
    """The worst ratio of a bound to its tolerance, over placements.

    Attributes:
        median, ninetieth, worst: the 50th and 90th percentile, and the highest.
        steps: percentiles from 0 to 100 in equal steps.
    """

    median: float
    ninetieth: float
    worst: float
    steps: tuple[float, ...]


class Row(Document):
    """Placements of one workload, or on one node.

    Attributes:
        name: whose.
        placements, moved: all, and those that Leeward would have moved.
        beyond: where a bound was beyond its tolerance on the node taken.
        no_better: of these, where no node asked about scored better.
        taken, best: median of the worst ratio on the node taken, and on the best; ``None`` where nothing was bounded.
        worst: the highest ratio on a node taken.
    """

    name: str
    placements: Count
    moved: Count
    beyond: Count
    no_better: Count
    taken: float | None
    best: float | None
    worst: float | None


class Table(Document):
    """The most affected, and how many more there are."""

    rows: tuple[Row, ...]
    more: Count


class Slot(Document):
    """Placements of one stretch of time; each counts in one of the last four.

    Attributes:
        name: the day, or the hour of the day, UTC.
        moved: another node scored better.
        no_better: left, and a bound was beyond its tolerance all the same.
        left: left, and every bound was within.
        unsaid: not asked about, or nothing predicted.
    """

    name: str
    moved: Count
    no_better: Count
    left: Count
    unsaid: Count


class Changes(Document):
    """What Leeward would have changed, of pods that were treated alike.

    Attributes:
        placements: all.
        cells: by answer and by how nodes suit; only those that there are.
        points_lost: placements by how many points the best node scored better, from 1 to 10.
        taken, best: over placements where both are known; ``None`` where there are none.
        ruled_out: the pod's own bound was beyond what it requires, and the filter named some nodes.
        perhaps_ruled_out: the filter named some nodes, and whether the one taken was among them is not recorded.
        workloads, nodes: the most affected.
        days, hours: in order.
    """

    placements: Count
    cells: tuple[Cell, ...]
    points_lost: tuple[Count, ...]
    taken: Spread | None
    best: Spread | None
    ruled_out: Count
    perhaps_ruled_out: Count
    workloads: Table
    nodes: Table
    days: tuple[Slot, ...]
    hours: tuple[Slot, ...]

    def count(self, answer: Answer, here: Fit | None = None, there: Fit | None = None) -> int:
        """Placements of an answer, and where named by how the node taken and the best one suit."""
        return sum(
            cell.placements
            for cell in self.cells
            if cell.answer is answer and here in {None, cell.here} and there in {None, cell.there}
        )

    def beyond(self) -> int:
        """Placements where a bound was beyond its tolerance on the node taken."""
        return sum(cell.placements for cell in self.cells if cell.here is Fit.BEYOND)


class Endangered(Document):
    """Pods of one workload with a bound beyond their tolerance on the node that a newcomer took.

    Attributes:
        workload: theirs.
        newcomers, residents: different pods that came so, and that were there when somebody came.
        placements: at which any of them was.
        moved: of these, placements that Leeward would have moved.
        worst: the highest ratio of a bound to its tolerance.
    """

    workload: str
    newcomers: Count
    residents: Count
    placements: Count
    moved: Count
    worst: float


class Harm(Document):
    """Who was in danger on the nodes that newcomers took.

    Attributes:
        placements: whose parties are recorded.
        newcomers, residents, at: different pods in danger, and placements at which they were.
        moved: of these, placements that Leeward would have moved.
        workloads: the most affected.
        more: how many more there are.
    """

    placements: Count
    newcomers: Count
    residents: Count
    at: Count
    moved: Count
    workloads: tuple[Endangered, ...]
    more: Count


class Went(Document):
    """How placements of one kind went.

    Attributes:
        exceeded, kept: those with an outcome; see ``Cell``.
        unknown: those without.
        workloads: different newcomers' workloads of those with an outcome.
        share: that exceeded, of those with an outcome; its interval counts each workload as one row. ``None`` where
            there are too few.
    """

    exceeded: Count
    kept: Count
    unknown: Count
    workloads: Count
    share: Figure | None


class Right(Document):
    """Whether Leeward was right, of shadowed placements.

    Attributes:
        moved, left, unsaid: by what it would have done; unsaid where the node taken was not asked about.
        beyond, within, unbounded: by how the node taken suits.
        windows, at_ceiling: of all placements: labelled windows with a bound, and those whose bound is the ceiling.
    """

    moved: Went
    left: Went
    unsaid: Went
    beyond: Went
    within: Went
    unbounded: Went
    windows: Count
    at_ceiling: Count


class Arm(Document):
    """Workloads that were treated alike.

    Attributes:
        workloads, windows: with an outcome.
        beyond: share of windows beyond tolerance, mean over workloads; ``None`` where these are too few.
    """

    workloads: Count
    windows: Count
    beyond: Figure | None


class Arms(Document):
    """Workloads in the shadow against those that were steered.

    Attributes:
        changed: workloads that were in both, left out.
        unknown: workloads with an outcome, none of whose pods came in the period, left out.
    """

    shadowed: Arm
    steered: Arm
    changed: Count
    unknown: Count


class ShadowReport(Document):
    """All of it.

    Attributes:
        simulated: an outcome, or what a champion was trained on, is of the testbed.
        outcomes_simulated: an outcome is.
        confidence: of all intervals.
        fewest_workloads: of fewer no share is told.
        namespace, workload: of which newcomers alone; empty for all.
        begin, end: what was asked for; ``None`` without limit.
        shadowed: what Leeward would have changed.
        steered: of pods that were placed with its scores: where it was outvoted.
        harm: of the shadowed.
        arms: ``None`` where all outcomes are of one side.
        odd: what was wrong.
        closing: the whole in plain words.
    """

    format: Literal["leeward-shadow/1"] = "leeward-shadow/1"
    simulated: bool
    outcomes_simulated: bool
    confidence: Share
    fewest_workloads: Count
    namespace: str
    workload: str
    begin: UtcTime | None
    end: UtcTime | None
    seen: Seen
    shadowed: Changes
    steered: Changes
    harm: Harm
    right: Right
    arms: Arms | None
    odd: tuple[Odd, ...]
    closing: tuple[str, ...]
