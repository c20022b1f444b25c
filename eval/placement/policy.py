"""What a policy is asked."""

from collections.abc import Sequence
from typing import Protocol

from eval.placement.arrivals import Arrival


class Policy(Protocol):
    """Chooses nodes. It sees only what a scheduler of its kind would see."""

    def choose(self, arrival: Arrival, feasible: Sequence[str], /) -> str | None:
        """One of the feasible nodes, of which there is one at least; ``None`` where the policy rules out all."""

    def bound(self, arrival: Arrival, node: str) -> None:
        """A pod was bound to a node just now."""

    def ended(self, uid: str) -> None:
        """A pod ended just now."""
