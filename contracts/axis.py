"""The eight axes along which workloads of one node contend."""

from enum import StrEnum


class Axis(StrEnum):
    """Shared hardware that co-runners press: the order is the contract's order of probabilities."""

    LLC = "llc"
    MEMBW = "membw"
    SMT = "smt"
    FRONTEND = "frontend"
    TLB = "tlb"
    DDIO = "ddio"
    UPI = "upi"
    LOCK = "lock"


AXES: tuple[Axis, ...] = tuple(Axis)
