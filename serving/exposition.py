"""Metrics as Prometheus reads them: its text format, version 0.0.4, which is small enough to need no client library.

Source: Prometheus, "Exposition formats", section "Text-based format".
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
"""Names and values, in the order in which they are written."""

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_IN_TEXT = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL = _IN_TEXT | str.maketrans({'"': r"\""})


class Kind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of a metric.

    Attributes:
        value: any number; NaN and infinities are lawful.
        labels: no name twice; values are any text.
    """

    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric with all its samples.

    Attributes:
        name: whole, in Prometheus' alphabet; a counter's ends in ``_total``.
        kind: how it moves.
        text: what it is, one sentence.
        samples: of different labels; none where there is nothing to say.

    Raises:
        ValueError: a name is not lawful.
    """

    name: str
    kind: Kind
    text: str
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        labels = {name for sample in self.samples for name, _ in sample.labels}
        if _METRIC_NAME.fullmatch(self.name) is None or not all(map(_LABEL_NAME.fullmatch, labels)):
            raise ValueError(f"metric {self.name} with labels {sorted(labels)}: Prometheus takes no such name")
        if (self.kind is Kind.COUNTER) is not self.name.endswith("_total"):
            raise ValueError(f"{self.kind} {self.name}: counters end in _total, and nothing else does")


def exposition(families: Iterable[Family]) -> str:
    """The text that a scrape gets.

    >>> sample = Sample(value=3, labels=(("verb", "filter"),))
    >>> print(exposition([Family(name="a_total", kind=Kind.COUNTER, text="Calls.", samples=(sample,))]), end="")
    # HELP a_total Calls.
    # TYPE a_total counter
    a_total{verb="filter"} 3
    """
    lines: list[str] = []
    for family in families:
        lines += [
            f"# HELP {family.name} {family.text.translate(_IN_TEXT)}",
            f"# TYPE {family.name} {family.kind}",
            *(f"{family.name}{_braced(sample.labels)} {_number(sample.value)}" for sample in family.samples),
        ]
    return "".join(f"{line}\n" for line in lines)


def _braced(labels: Labels) -> str:
    quoted = [f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels]
    return "{" + ",".join(quoted) + "}" if quoted else ""


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else str(value)
