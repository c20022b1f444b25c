"""What a row of a table, or some rows of one time, say of one domain."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One interval of one domain.

    Attributes:
        line: the first line that it comes from.
        time_ns: as its row is stamped, UTC nanoseconds since 1970.
        domain: as the mapping names it.
        phase: as the table's phase column says; empty without one.
        amounts: by those of the mapping's columns that the table has; in the contract's units, NaN for missing. A rate
            is an amount by now.
        indicators: by party, as the table writes them; NaN for missing.
    """

    line: int
    time_ns: int
    domain: str
    phase: str
    amounts: Mapping[str, float]
    indicators: Mapping[str, float]
