"""From the cells of one interval to amounts: units, rates, sums over several columns, shares by their weight."""

import math
from collections.abc import Mapping, Sequence

from eval.traces.cells import LARGEST
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.sections import Column


class Quantities:
    """Turns readings into amounts by one mapping's units."""

    def __init__(self, mapping: MappingFile) -> None:
        self._columns = mapping.columns
        self._measures = mapping.measures
        self._interval = mapping.table.interval_seconds

    def amounts(self, readings: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Amounts of one interval.

        Args:
            readings: by column, the numbers of all columns that match it, in the table's unit, NaN for missing.

        Returns:
            By column that the table has; NaN where one of several was not read: a sum that lacks a part is no sum.
        """
        plain = {name: self._scaled(name, readings.get(name, ())) for name in self._columns}
        return {name: self._amount(name, plain) for name in self._columns if plain[name]}

    def _scaled(self, name: str, readings: Sequence[float]) -> tuple[float, ...]:
        unit = self._measures[name]
        factor = unit.scale * (self._interval if unit.rate else 1.0)
        values = (value * factor for value in readings)
        return tuple(value if value < LARGEST else math.nan for value in values)

    def _amount(self, name: str, plain: Mapping[str, tuple[float, ...]]) -> float:
        values, weight = plain[name], self._columns[name].weight
        if weight is None:
            return math.fsum(values)
        weights = plain[weight]
        if len(values) != len(weights) or not math.fsum(weights):
            return math.nan
        return math.fsum(value * of for value, of in zip(values, weights, strict=True)) / math.fsum(weights)


def added_up(parts: Sequence[Mapping[str, float]], columns: Mapping[str, Column]) -> dict[str, float]:
    """Amounts of some intervals that follow one another, as one.

    Args:
        parts: amounts by column, in the order of time.
        columns: the mapping's.

    Returns:
        Counts summed, levels averaged as the agent does, shares by their weight; NaN where a part lacks it, nothing
        where all do.
    """
    return {
        name: _added_up(name, column, parts) for name, column in columns.items() if any(name in part for part in parts)
    }


def _added_up(name: str, column: Column, parts: Sequence[Mapping[str, float]]) -> float:
    if column.level:
        return math.fsum(part.get(name, math.nan) for part in parts) / len(parts)
    if column.weight is None:
        return math.fsum(part.get(name, math.nan) for part in parts)
    weights = [part.get(column.weight, math.nan) for part in parts]
    whole = math.fsum(weights)
    shares = math.fsum(part.get(name, math.nan) * weight for part, weight in zip(parts, weights, strict=True))
    return shares / whole if whole else math.nan
