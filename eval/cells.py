"""Figures as cells of a terminal's table: the value, and below it the interval."""

from rich.text import Text

from eval.figure import Figure


def share_cell(figure: Figure, *, decimals: int = 0) -> Text:
    """In percent, the interval in whole ones.

    >>> print(share_cell(Figure(value=0.883, lower=0.8, upper=0.96, units=10), decimals=1))
    88.3 %
    80-96
    """
    lower, upper = (f"{100 * number:.0f}" for number in (figure.lower, figure.upper))
    return _two_lines(f"{100 * figure.value:.{decimals}f} %", _range(lower, upper))


def number_cell(figure: Figure, *, decimals: int = 2) -> Text:
    """As it is.

    >>> print(number_cell(Figure(value=1.25, lower=1.2, upper=1.31, units=10)))
    1.25
    1.20-1.31
    """
    value, lower, upper = (f"{number:.{decimals}f}" for number in (figure.value, figure.lower, figure.upper))
    return _two_lines(value, _range(lower, upper))


def count_cell(figure: Figure) -> Text:
    """A share of few units, as a count.

    >>> print(count_cell(Figure(value=0.7, lower=0.39, upper=0.91, units=10)))
    7 of 10
    39-91 %
    """
    count = round(figure.value * figure.units)
    return _two_lines(f"{count} of {figure.units}", f"{100 * figure.lower:.0f}-{100 * figure.upper:.0f} %")


def named_cell(value: str, name: str) -> Text:
    """A value, and below it whose it is."""
    return _two_lines(value, name)


def _range(lower: str, upper: str) -> str:
    return f"{lower} to {upper}" if lower.startswith("-") else f"{lower}-{upper}"


def _two_lines(first: str, second: str) -> Text:
    return Text.assemble(first, "\n", (second, "dim"))
