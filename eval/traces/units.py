"""Units of foreign columns, by the names that mappings use, in terms of the contract's own units.

A column without a unit is refused, and so is a unit that is not here: a factor of 1024 or 8 that is guessed wrong looks
like a measurement. ``KB`` is 1000 bytes and ``KiB`` 1024, whatever a tool calls them.
"""

from dataclasses import dataclass
from types import MappingProxyType

from contracts.events import DIMENSIONLESS, Base, Unit
from eval.traces.errors import MappingError


@dataclass(frozen=True, slots=True)
class Measure:
    """What one unit of a column is.

    Attributes:
        scale: in ``unit``.
        unit: the contract's.
        rate: the column says it per second; over an interval it is that much times the interval.
    """

    scale: float
    unit: Unit
    rate: bool = False


_COUNT = Unit.of(Base.COUNT)
_BYTE = Unit.of(Base.BYTE)
_SECOND = Unit.of(Base.SECOND)
_BYTES = {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_COUNTS = {"count": 1.0, "thousands": 1e3, "millions": 1e6}

MEASURES = MappingProxyType(
    {
        **{name: Measure(scale, _COUNT) for name, scale in _COUNTS.items()},
        **{f"{name}/s": Measure(scale, _COUNT, rate=True) for name, scale in _COUNTS.items()},
        **{name: Measure(scale, _BYTE) for name, scale in _BYTES.items()},
        **{f"{name}/s": Measure(scale, _BYTE, rate=True) for name, scale in _BYTES.items()},
        "share": Measure(1.0, DIMENSIONLESS),
        "%": Measure(0.01, DIMENSIONLESS),
        "s": Measure(1.0, _SECOND),
        "ms": Measure(1e-3, _SECOND),
        "us": Measure(1e-6, _SECOND),
        "ns": Measure(1e-9, _SECOND),
        "slots": Measure(1.0, Unit.of(Base.SLOT)),
        "core clocks": Measure(1.0, Unit.of(Base.CORE_CLOCK)),
        "crystal clocks": Measure(1.0, Unit.of(Base.CRYSTAL_CLOCK)),
        "uncore clocks": Measure(1.0, Unit.of(Base.UNCORE_CLOCK)),
        "uncore clocks x count": Measure(1.0, Unit.of(Base.UNCORE_CLOCK, Base.COUNT)),
        "DRAM clocks": Measure(1.0, Unit.of(Base.DRAM_CLOCK)),
        "DRAM clocks x count": Measure(1.0, Unit.of(Base.DRAM_CLOCK, Base.COUNT)),
        "DRAM commands": Measure(1.0, Unit.of(Base.DRAM_COMMAND)),
        "UPI clocks": Measure(1.0, Unit.of(Base.LINK_CLOCK)),
        "flits": Measure(1.0, Unit.of(Base.FLIT)),
        "double words": Measure(1.0, Unit.of(Base.DOUBLE_WORD)),
    }
)


def measure(name: str, *, where: str) -> Measure:
    """What a unit's name means.

    >>> measure("KiB", where="column a").scale
    1024.0

    Raises:
        MappingError: the unit is not known, or a frequency.
    """
    if name in MEASURES:
        return MEASURES[name]
    if name.lower().endswith("hz"):
        raise MappingError(f"{where} is in {name}: a frequency is no feature, and nothing is made of one; leave it out")
    raise MappingError(f"{where} is in {name!r}, which is no unit here: {', '.join(MEASURES)}")
