"""Which groups a control group's figures sum, and when they no longer sum the same.

The kernel adds up a control group and the monitoring groups that it has at that moment (Linux,
``arch/x86/kernel/cpu/resctrl/monitor.c``, ``mon_event_count``). When one of these is removed, all that it ever counted
goes from the sum: bandwidth seems to fall, or, worse, to have grown a little. A group that comes begins at zero and
does no harm.
"""

from collections.abc import Mapping
from pathlib import Path


class GroupParts:
    """Numbers the sums of control groups, so that two readings of one number have the same parts, and perhaps more."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[frozenset[int], int]] = {}

    def numbers(self, groups: Mapping[str, Path]) -> dict[str, int]:
        """Count up from 0 each time that a part of a control group has gone.

        Args:
            groups: all control groups there are, by name; others are forgotten. A directory that was removed and made
                again is another one.
        """
        known = {}
        for name, group in groups.items():
            parts = _inodes(group)
            before, number = self._known.get(name, (parts, 0))
            known[name] = (parts, number + (not before <= parts))
        self._known = known
        return {name: number for name, (_, number) in known.items()}

    def forget(self) -> None:
        """Begin anew."""
        self._known.clear()


def _inodes(group: Path) -> frozenset[int]:
    """The group and its monitoring groups; of a group that went, nothing."""
    monitored = group / "mon_groups"
    try:
        below = [entry.stat().st_ino for entry in monitored.iterdir()] if monitored.is_dir() else []
        return frozenset([group.stat().st_ino, *below])
    except OSError:
        return frozenset()
