"""What was predicted of a pod before it was placed, as the watch needs it, whoever recorded it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPrediction:
    """One party's bound at one placement.

    Attributes:
        at: when it was judged, by the extender's clock, UTC.
        pod_uid: of the party, newcomer or resident.
        workload: key of its profile.
        group: its workload group; ``None`` where who recorded it does not know.
        node, domain: where the party ran from then on; domain empty where it was not known then.
        champion: digest of the bundle that bounded.
        bound: of its slowdown.
        tolerance: of its slowdown.
    """

    at: datetime
    pod_uid: str
    workload: str
    group: str | None = None
    node: str
    domain: str = ""
    champion: str
    bound: float
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """What is recorded.

    Attributes:
        predictions: all that are kept, in any order; the same one may stand there more than once.
        unreadable: how many more there are that can't be read.
    """

    predictions: tuple[RecordedPrediction, ...] = ()
    unreadable: int = 0


class Predictions(Protocol):
    """Where predictions are recorded."""

    def recorded(self) -> Recordings:
        """All of them."""


class NothingRecorded:
    """No extender has recorded any: outcomes are judged by what the champion says of them afterwards."""

    def recorded(self) -> Recordings:
        """None."""
        return Recordings()
