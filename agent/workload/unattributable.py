"""Uncore events, which a pod's vector never has."""

import errno

from agent.sources.protocol import Opened
from agent.sources.refusal import all_missing
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1

_UNCORE = frozenset({Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO})
_REASON = "uncore boxes count for a whole socket: what they count is no single pod's"


def unattributable() -> Opened:
    """All uncore events of the contract as missing: nothing tells them pod from pod."""
    uncore = [name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu in _UNCORE]
    return Opened(missing=all_missing(uncore, number=errno.EOPNOTSUPP, reason=_REASON))
