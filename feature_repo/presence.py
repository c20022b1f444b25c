"""Derived on demand: how much of a vector is there, over all and for each axis.

The regime's contract judges no vector with fewer than ``MINIMUM_PRESENT_FEATURES`` features. Whoever runs a regime
model on stored vectors must know that number, and a missing feature is easily lost on the way into a model's input.
"""

import pandas as pd
from feast import Field
from feast.types import Bool, Int64

from contracts.axis import AXES
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import MINIMUM_PRESENT_FEATURES

PRESENT = "present_features"
JUDGED = "judged"


PRESENCE_SOURCE = f"from {__name__} import presence\n"
"""What the registry keeps of the function. Feast makes it anew from its text, without the names that the text needs."""


def presence_fields() -> list[Field]:
    """The columns that ``presence`` makes. Feast refuses descriptions on what is derived."""
    return [
        *(Field(name=_of(axis.value), dtype=Int64) for axis in AXES),
        Field(name=PRESENT, dtype=Int64),
        Field(name=JUDGED, dtype=Bool),
    ]


def presence(vectors: pd.DataFrame) -> pd.DataFrame:
    """Count the features of each row that are not missing.

    Args:
        vectors: one row a vector, one column a feature, null or NaN where missing.

    Returns:
        The columns of ``presence_fields``, in the rows' order.
    """
    there = vectors[list(FEATURE_SCHEMA_V1.names)].notna()
    counted = pd.DataFrame(
        {
            _of(axis.value): there[[spec.name for spec in FEATURE_SCHEMA_V1.features if axis in spec.axes]].sum(axis=1)
            for axis in AXES
        }
    )
    present = there.sum(axis=1)
    return counted.assign(**{PRESENT: present, JUDGED: present >= MINIMUM_PRESENT_FEATURES})


def _of(axis: str) -> str:
    return f"present_{axis}_features"
