"""Kubernetes' resource quantities: ``2``, ``500m``, ``4Gi``, ``1e3``.

The grammar stands in ``k8s.io/apimachinery/pkg/api/resource/quantity.go``.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction

from scheduler_extender.errors import PodError

CPU = "cpu"
_MILLI = 1000
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE][+-]?[0-9]{1,2})|([KMGTPE]i|[numkMGTPE]))?")
_SUFFIXES: Mapping[str, Fraction] = {
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)},
    **{letter: Fraction(1000**power) for power, letter in enumerate("kMGTPE", 1)},
    **{letter: Fraction(1, 1000**power) for power, letter in enumerate("mun", 1)},
}
_LONGEST = 40


def whole_units(resource: str, quantity: str | float) -> int:
    """A quantity of a resource in whole units, rounded up: thousandths of a CPU, bytes, or pieces.

    >>> whole_units("cpu", "1500m"), whole_units("memory", "4Gi"), whole_units("hugepages-1Gi", 0)
    (1500, 4294967296, 0)

    Raises:
        PodError: it is no quantity.
    """
    text = str(quantity)
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise PodError(f"{resource} is {text[:_LONGEST]!r}, which is no quantity: 2, 500m and 4Gi are")
    number, exponent, suffix = found.groups()
    value = Fraction(number) * Fraction(f"1{exponent}" if exponent else 1) * _SUFFIXES.get(suffix, Fraction(1))
    return math.ceil(value * _MILLI if resource == CPU else value)
