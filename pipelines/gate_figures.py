"""What the gate decides from: figures of a challenger, of the champion beside it, and nothing that can be run."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.model import Document
from contracts.nodestate import Share
from contracts.profile import Tier

Loss = Annotated[float, Field(ge=0.0)]


class GroupCoverage(Document):
    """The share of rows with an unseen victim of one workload group that the bound held for."""

    group: str
    share: Share


class TierCoverage(Document):
    """Coverage of unseen victims known in one tier, group by group.

    Attributes:
        nominal: the rate that the challenger states for the tier, 0 to 1.
        asked: the rate that was asked for.
    """

    tier: Tier
    nominal: Share
    asked: Share
    groups: Annotated[tuple[GroupCoverage, ...], Field(min_length=1)]


class Audit(Document):
    """How far a held-out bundle is from one that was fitted again without its groups.

    Attributes:
        groups: that it says it has not seen.
        distance: mean absolute difference of the log medians, on rows that one of the groups is a party of.
        of_whole: the same of the bundle that has seen all groups.
    """

    groups: Annotated[tuple[str, ...], Field(min_length=1)]
    distance: Loss
    of_whole: Loss


class PairedLoss(Document):
    """A loss per workload group, challenger and champion on the same rows, neither having seen the group.

    Attributes:
        loss: ``bound``, the pinball loss of the log bound at the asked rate, which grows with width and with misses;
            or ``regime``, the Brier score of the axes' probabilities.
    """

    loss: str
    groups: Annotated[tuple[str, ...], Field(min_length=1)]
    challenger: tuple[Loss, ...]
    champion: tuple[Loss, ...]

    @model_validator(mode="after")
    def _is_paired(self) -> Self:
        if not len(self.groups) == len(self.challenger) == len(self.champion):
            raise ValueError(
                f"one loss a group is meant: {len(self.groups)} groups, {len(self.challenger)} and "
                f"{len(self.champion)} losses"
            )
        return self


class Measured(StrEnum):
    """What is held to a limit."""

    PROBABILITY_DIFFERENCE = "probability difference"
    SLOWDOWN_DIFFERENCE = "slowdown difference"
    REGIME_SECONDS = "regime seconds"
    BOUNDS_SECONDS = "bounds seconds"
    BUNDLE_BYTES = "bundle bytes"


class Measurement(Document):
    """One of them as it was found."""

    what: Measured
    value: Annotated[float, Field(ge=0.0)]


class GateFigures(Document):
    """All that is known of a challenger.

    Attributes:
        groups: workload groups that it is judged on.
        not_held_out: those of them that every bundle of it has seen.
        audits: of some of its held-out bundles.
        coverage: a tier each.
        losses: beside the champion; none where there is no champion or it can't be compared.
        measurements: each of ``Measured`` once.
        champion: the registry's number of the champion, if there is one.
        incomparable: why challenger and champion can't be compared; empty where they can.
    """

    groups: Annotated[tuple[str, ...], Field(min_length=1)]
    not_held_out: tuple[str, ...] = ()
    audits: tuple[Audit, ...] = ()
    coverage: tuple[TierCoverage, ...] = ()
    losses: tuple[PairedLoss, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    champion: str | None = None
    incomparable: str = ""
