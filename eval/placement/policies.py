"""The policies that are compared, by name."""

from enum import StrEnum


class PolicyName(StrEnum):
    """All of them, in the order of the report."""

    DEFAULT = "default"
    MOST_ALLOCATED = "most-allocated"
    RANDOM = "random"
    THRESHOLD = "threshold"
    REGIME_ONLY = "regime-only"
    LEEWARD = "leeward"
    PARTITIONED = "partitioned"
    PARTITIONED_LEEWARD = "partitioned-leeward"
    ORACLE = "oracle"

    @property
    def partitions(self) -> bool:
        """Whether sockets' caches are cut into classes, see ``eval.placement.partition``."""
        return self in {PolicyName.PARTITIONED, PolicyName.PARTITIONED_LEEWARD}

    @property
    def needs_champion(self) -> bool:
        """Whether it places by a bundle."""
        return self in {PolicyName.REGIME_ONLY, PolicyName.LEEWARD, PolicyName.PARTITIONED_LEEWARD}


SHORT = (PolicyName.DEFAULT, PolicyName.THRESHOLD, PolicyName.LEEWARD, PolicyName.ORACLE)
"""What a demonstration has time for."""
