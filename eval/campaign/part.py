"""What one unit of a campaign measured, and where units are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What came of one unit.

    Attributes:
        rows: labelled traces.
        profiles: that rows of this unit or later ones name.
        vectors: of every window that passed, in the order of time.
    """

    rows: tuple[LabelledTrace, ...] = ()
    profiles: tuple[WorkloadProfile, ...] = ()
    vectors: tuple[FeatureVector, ...] = ()


class Kept(Protocol):
    """Where parts are kept, by their unit's number."""

    def has(self, number: int) -> bool:
        """Whether the unit was measured whole."""

    def keep(self, number: int, part: Part) -> None:
        """Keep a part."""

    def rows(self, number: int) -> Sequence[LabelledTrace]:
        """Rows of a kept part."""

    def profiles(self) -> Sequence[WorkloadProfile]:
        """Profiles of all kept parts."""


class KeptInMemory:
    """Parts that go with the process."""

    def __init__(self) -> None:
        self.parts: dict[int, Part] = {}

    def has(self, number: int) -> bool:
        """Whether the unit was measured."""
        return number in self.parts

    def keep(self, number: int, part: Part) -> None:
        """Keep a part."""
        self.parts[number] = part

    def rows(self, number: int) -> Sequence[LabelledTrace]:
        """Rows of a kept part."""
        return self.parts[number].rows

    def profiles(self) -> Sequence[WorkloadProfile]:
        """Profiles of all kept parts."""
        return [profile for part in self.parts.values() for profile in part.profiles]
