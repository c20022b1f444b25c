"""The profiles that a program knows, and the conservative one for all others."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contracts.profile import Tier, WorkloadProfile, conservative_profile
from contracts.vector import FloatArray
from serving.interference_row import KnownWorkload, known_workload, worst_pressures_of
from serving.observed_bound import OwnMargin


class ProfileBook:
    """Looks workloads up by key.

    Args:
        profiles: the champion's snapshot first, newer ones behind; the later of two with one key counts.

    Raises:
        ContractError: there is no profile at all, so that nothing is known of unknown workloads either.
    """

    def __init__(self, profiles: Iterable[WorkloadProfile]) -> None:
        latest = {profile.key: profile for profile in profiles}
        self._known = {key: known_workload(profile) for key, profile in latest.items()}
        self._unknown = known_workload(conservative_profile(latest.values()))
        self._worst = worst_pressures_of(list(self._known.values()))

    def let_own_count(self, margins: Mapping[str, OwnMargin]) -> frozenset[str]:
        """Let these own margins count from now on, and no others; no row of the model changes by that.

        Args:
            margins: by key; those of workloads that are not known are left out.

        Returns:
            Keys of the workloads that have another margin now.
        """
        changed = {
            key: replace(known, own=margins.get(key))
            for key, known in self._known.items()
            if known.own != margins.get(key)
        }
        self._known |= changed
        return frozenset(changed)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def tier(self, key: str) -> Tier | None:
        """As what a workload is known; ``None`` where it is not."""
        known = self._known.get(key)
        return None if known is None else known.tier

    def of(self, key: str) -> KnownWorkload:
        """What is known of a workload; for an unknown key the conservative stand-in, marked as such."""
        return self._known.get(key, self._unknown)

    @property
    def worst_pressures(self) -> FloatArray:
        """float32 ``(len(AXES),)``, see ``serving.interference_row.interference_row``."""
        return self._worst
