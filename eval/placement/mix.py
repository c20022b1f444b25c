"""What kind of pods a site is brought up with; policies differ by it."""

from enum import StrEnum

from eval.testbed.catalogue.forwarding import FORWARDING
from eval.testbed.catalogue.security import SECURITY
from eval.testbed.catalogue.signalling import SIGNALLING
from eval.testbed.catalogue.user_plane import USER_PLANE
from eval.testbed.hardware import MEBIBYTE
from eval.testbed.workload import Workload

_NETWORK = frozenset(workload.group for workload in (*USER_PLANE, *SECURITY, *FORWARDING, *SIGNALLING))
_CACHED_BYTES = 8 * MEBIBYTE
"""A quarter of a socket's last-level cache and more is held by who is called heavy on it."""
_CACHED_ACCESSES = 6.0
_STREAMED_LINES = 1.5
_LIGHT_BYTES = 6 * MEBIBYTE
_LIGHT_ACCESSES = 6.0


class Mix(StrEnum):
    """All workloads and batch jobs; packet and signalling functions, alone or with batch; and by behaviour."""

    MIXED = "mixed"
    FUNCTIONS = "functions"
    FUNCTIONS_AND_BATCH = "functions-and-batch"
    CACHE_HEAVY = "cache-heavy"
    MEMORY_HEAVY = "memory-heavy"
    LIGHT = "light"

    @property
    def has_background(self) -> bool:
        """Whether batch jobs come, too."""
        return self in {Mix.MIXED, Mix.FUNCTIONS_AND_BATCH}

    def takes(self, workload: Workload) -> bool:
        """Whether a workload that is no batch job may come."""
        behaviour = workload.behaviour
        streamed = behaviour.llc_accesses * behaviour.compulsory
        match self:
            case Mix.MIXED:
                return True
            case Mix.FUNCTIONS | Mix.FUNCTIONS_AND_BATCH:
                return workload.group in _NETWORK
            case Mix.CACHE_HEAVY:
                return (
                    behaviour.footprint_bytes >= _CACHED_BYTES
                    and behaviour.llc_accesses >= _CACHED_ACCESSES
                    and streamed < _STREAMED_LINES
                )
            case Mix.MEMORY_HEAVY:
                return streamed >= _STREAMED_LINES
            case Mix.LIGHT:
                return behaviour.footprint_bytes <= _LIGHT_BYTES and behaviour.llc_accesses <= _LIGHT_ACCESSES
