"""Any node that has room: what a policy that knows nothing does."""

from collections.abc import Sequence

import numpy as np

from eval.placement.arrivals import Arrival


class RandomPolicy:
    """Each feasible node as likely as any other."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def choose(self, _: Arrival, feasible: Sequence[str]) -> str | None:
        """Without a look at anything."""
        return feasible[int(self._rng.integers(len(feasible)))]

    def bound(self, arrival: Arrival, node: str) -> None:
        """It remembers nothing."""

    def ended(self, uid: str) -> None:
        """As above."""
