"""What workloads have shown so far, and how much of it counts against the champion that serves.

Scores stand against one bundle and one tier of profile. Those of another bundle, or of a workload that is known
otherwise by now, are set aside: what is stale is never taken for fresh.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler_extender.sources import Champion, Change
from serving.observed_bound import OwnMargin
from serving.observed_workload import ObservedWorkload
from serving.profile_book import ProfileBook

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """What of the observations counts.

    Attributes:
        margins: by workload's key.
        set_aside: keys of workloads that were observed, but not so that it counts now.
    """

    margins: Mapping[str, OwnMargin]
    set_aside: tuple[str, ...]

    def complaint(self, champion: Champion) -> str:
        """One sentence on what is set aside; empty where nothing is."""
        if not self.set_aside:
            return ""
        shown = ", ".join(self.set_aside[:_NAMES_SHOWN]) + (", ..." if len(self.set_aside) > _NAMES_SHOWN else "")
        return (
            f"windows of {len(self.set_aside)} workload(s) ({shown}) do not stand against {champion.digest} and the "
            "profile in use: the population's margin bounds these until `leeward observe` is run again"
        )


class Observations:
    """All that was observed, by the name of its file."""

    def __init__(self) -> None:
        self._observed: dict[str, ObservedWorkload] = {}

    def take_over(self, change: Change[ObservedWorkload]) -> None:
        """Let one be known from now on, or no more."""
        self._observed.pop(change.name, None)
        if change.value is not None:
            self._observed[change.name] = change.value

    def counting(self, champion: Champion, book: ProfileBook) -> Counting:
        """What counts.

        Args:
            champion: who predicts.
            book: what is known of workloads.
        """
        margins = {
            observed.key: champion.model.own_margin(observed.tier, observed.own_scores)
            for observed in self._observed.values()
            if observed.bundle == champion.digest and observed.tier is book.tier(observed.key)
        }
        keys = {observed.key for observed in self._observed.values()}
        return Counting(margins=margins, set_aside=tuple(sorted(keys - margins.keys())))
