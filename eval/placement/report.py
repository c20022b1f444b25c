"""The placement report, as it is written down."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Document
from contracts.nodestate import Digest, Share
from eval.figure import Figure
from eval.placement.mix import Mix
from eval.placement.policies import PolicyName

PLACEMENT_FILE = "placement.json"
"""Within ``<state>/reports``."""

Count = Annotated[int, Field(ge=0)]


class PolicyRun(Document):
    """What one policy made of one run; see ``eval.placement.ledger.RunFigures``."""

    policy: PolicyName
    violated: Share
    worst_slowdown: float
    p99_slowdown: float
    hurt: float
    pods_per_node: float
    mean_excess: float
    placed: Count
    refused: Count
    nodes_used: float
    load: float


class PlacementRun(Document):
    """One schedule under all policies.

    Attributes:
        unseen_groups: all that is placed is of these; the bundle that Leeward used was trained without them.
        policies: what came of it.
    """

    unseen_groups: tuple[str, ...]
    policies: tuple[PolicyRun, ...]


class PolicyFigures(Document):
    """One policy over all runs; figures are means over runs with Student's interval.

    Attributes:
        violated: share of the parties' time with a violated tolerance.
        mean_excess: by how much tolerances were exceeded, over all their time.
        violated_spared, excess_spared: how much less of either there is than under the default scheduler, run by run;
            ``None`` for that one itself.
        worst_slowdown, p99_slowdown: of a run.
        hurt: residents that a newcomer took beyond what they tolerate, a hundred placements.
        pods_per_node: of the nodes with a pod.
        nodes_used: with a pod on them.
        load: share of the cluster's CPUs that placed pods requested.
        placed, refused: pods of all runs.
    """

    policy: PolicyName
    violated: Figure
    violated_spared: Figure | None
    mean_excess: Figure
    excess_spared: Figure | None
    worst_slowdown: Figure
    p99_slowdown: Figure
    hurt: Figure
    pods_per_node: Figure
    nodes_used: Figure
    load: Figure
    placed: Count
    refused: Count


class PlacementReport(Document):
    """All of it; nothing but the testbed can be placed on again and again, so it is always simulated."""

    format: Literal["leeward-placement/2"] = "leeward-placement/2"
    simulated: Literal[True] = True
    training_data: Digest
    seed: int
    mix: Mix
    nodes: Count
    confidence: Share
    policies: tuple[PolicyFigures, ...]
    runs: tuple[PlacementRun, ...]

    def of(self, policy: PolicyName) -> PolicyFigures:
        """One policy's figures."""
        return next(figures for figures in self.policies if figures.policy is policy)
