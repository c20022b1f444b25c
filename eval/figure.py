"""One figure of a report, as it is written down."""

from typing import Annotated, Self

from pydantic import Field

from contracts.bundle import HeldOutFigure
from contracts.model import Document
from pipelines.bootstrap import Interval


class Figure(Document):
    """A value with its interval; ``units`` says over how many groups or runs."""

    value: float
    lower: float
    upper: float
    units: Annotated[int, Field(ge=1)]

    @classmethod
    def over_groups(cls, figure: HeldOutFigure) -> Self:
        """One of the training pipeline's figures."""
        return cls(value=figure.value, lower=figure.lower, upper=figure.upper, units=figure.groups)

    @classmethod
    def of(cls, interval: Interval, *, units: int, least: float = float("-inf"), most: float = float("inf")) -> Self:
        """An interval, cut to the range that its figure can take."""
        return cls(value=interval.value, lower=max(interval.lower, least), upper=min(interval.upper, most), units=units)
