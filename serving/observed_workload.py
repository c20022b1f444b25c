"""What one workload has shown against one bundle, as a file of the state directory.

<state>/observed/<name>.json    see ``ObservedWorkload.name``

It is derived from labelled traces, which are what is kept: another bundle predicts other quantiles, so its scores are
others. No frozen contract: who writes it and who reads it are of one release, and another version is refused.
"""

import hashlib
import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Document, UtcTime
from contracts.nodestate import Digest
from contracts.profile import Key, Tier
from serving.observed_bound import MOST_KEPT

OBSERVED = "observed"
SUFFIX = ".json"

_NAME_DIGITS = 16


class ObservedWorkload(Document):
    """A workload's scores, see ``serving.observed_bound``.

    Attributes:
        bundle: digest of the one that predicted.
        key: of the workload's profile.
        tier: of the profile that was known of it before these windows; the margin that they move is of this tier.
        scores: of its windows in company, oldest first; ``None`` where it was starved, which no margin covers.
        first_window, last_window: when the oldest and the latest of them began.
    """

    version: Literal[1] = 1
    bundle: Digest
    key: Key
    tier: Tier
    scores: Annotated[tuple[float | None, ...], Field(min_length=1, max_length=MOST_KEPT)]
    first_window: UtcTime
    last_window: UtcTime

    @property
    def name(self) -> str:
        """What its file bears: one a bundle and workload, whatever characters a key has."""
        return f"{bundle_prefix(self.bundle)}{_shortened(hashlib.sha256(self.key.encode()).hexdigest())}"

    @property
    def own_scores(self) -> tuple[float, ...]:
        """The scores, ``math.inf`` where it was starved."""
        return tuple(math.inf if score is None else score for score in self.scores)


def bundle_prefix(digest: str) -> str:
    """How the names of all files of one bundle begin."""
    return f"{_shortened(digest.removeprefix('sha256:'))}-"


def observed_directory(state: Path) -> Path:
    """Where they lie."""
    return state / OBSERVED


def _shortened(hexadecimal: str) -> str:
    return hexadecimal[:_NAME_DIGITS]
