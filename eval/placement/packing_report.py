"""The packing report, as it is written down."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Document
from contracts.nodestate import Digest, Share
from eval.figure import Figure
from eval.placement.mix import Mix
from eval.placement.policies import PolicyName

PACKING_FILE = "packing.json"
"""Within ``<state>/reports``."""


class Reach(StrEnum):
    """Whether a policy does the accepted harm at a load that was played, or only at fewer pods, or at more."""

    FEWER = "fewer"
    WITHIN = "within"
    MORE = "more"


class Curve(Document):
    """Means over runs at one load."""

    violated: Share
    pods_per_node: float


class PackedPolicy(Document):
    """One policy.

    Attributes:
        pods_per_node: at the accepted harm; where ``reach`` is not ``within``, what was played last on that side.
        reach: see there.
        times_default: the same as a multiple of the default scheduler's, run by run; ``None`` for that one itself, and
            where both lie beyond the same side of what was played.
        times_reach: ``more`` where the multiple is at least so much, ``fewer`` where it is at most so much.
        curve: one entry a load.
    """

    policy: PolicyName
    pods_per_node: Figure
    reach: Reach
    times_default: Figure | None
    times_reach: Reach
    curve: tuple[Curve, ...]


class PackingReport(Document):
    """All of it; always simulated."""

    format: Literal["leeward-packing/1"] = "leeward-packing/1"
    simulated: Literal[True] = True
    training_data: Digest
    mix: Mix
    nodes: Annotated[int, Field(ge=1)]
    harm: Share
    confidence: Share
    loads: tuple[float, ...]
    policies: tuple[PackedPolicy, ...]
