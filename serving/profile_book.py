"""The profiles that a program knows, and the conservative one for all others."""

from collections.abc import Iterable

from contracts.profile import WorkloadProfile, conservative_profile
from contracts.vector import FloatArray
from serving.interference_row import KnownWorkload, known_workload, worst_pressures_of


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

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def of(self, key: str) -> KnownWorkload:
        """What is known of a workload; for an unknown key the conservative stand-in, marked as such."""
        return self._known.get(key, self._unknown)

    @property
    def worst_pressures(self) -> FloatArray:
        """float32 ``(len(AXES),)``, see ``serving.interference_row.interference_row``."""
        return self._worst
