"""What must hold of traces before anything is trained on them: a Great Expectations suite made from the contracts.

Great Expectations lets a missing value pass wherever it asks for a range or a set, so what may not be missing is asked
apart. Nodes may lack events, and rows a feature; a feature that no row has, or an axis that a whole campaign is blind
to, can't be learnt and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.axis import AXES
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR
from contracts.trace import Provenance
from pipelines.folds import FEWEST_GROUPS
from pipelines.trace_table import COUNTING, KEYS, PARTS

SHORTEST_WINDOW_SECONDS, LONGEST_WINDOW_SECONDS = 0.5, 300.0
LARGEST_PARTY = 64
MOST_MISSING_SHARE = 0.9
"""Of what a PMU counts, over all rows. Where more is missing, what is learnt of it is one or two nodes' habit."""

NEVER_MISSING = (
    *KEYS,
    "window_seconds",
    "victim_group",
    "victim_tier",
    "victim_is_conservative",
    "profile_is_younger",
    "own_co_runners",
    "co_runners",
    "slowdown",
    "pressed",
    "provenance",
)


def expectations(gxe: Any) -> Iterator[Any]:
    """The suite over ``pipelines.trace_table``.

    Args:
        gxe: ``great_expectations.expectations``, which takes seconds to import.
    """
    yield from _of_rows(gxe)
    yield from _of_labels(gxe)
    yield from _of_vectors(gxe)


def _of_rows(gxe: Any) -> Iterator[Any]:
    yield gxe.ExpectTableRowCountToBeBetween(min_value=1)
    for column in NEVER_MISSING:
        yield gxe.ExpectColumnValuesToNotBeNull(column=column)
    yield gxe.ExpectCompoundColumnsToBeUnique(column_list=list(KEYS))
    yield gxe.ExpectColumnUniqueValueCountToBeBetween(column="victim_group", min_value=FEWEST_GROUPS)
    yield gxe.ExpectColumnValuesToBeBetween(
        column="window_seconds", min_value=SHORTEST_WINDOW_SECONDS, max_value=LONGEST_WINDOW_SECONDS
    )
    yield gxe.ExpectColumnValuesToBeBetween(column="seconds_since_previous_window", min_value=0.0)
    yield gxe.ExpectColumnValuesToBeBetween(column="co_runners", min_value=0, max_value=LARGEST_PARTY)
    yield gxe.ExpectColumnValuesToBeInSet(column="victim_tier", value_set=[tier.value for tier in Tier])
    for column in ("victim_is_conservative", "profile_is_younger"):
        yield gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[False])
    yield gxe.ExpectColumnValuesToBeInSet(column="own_co_runners", value_set=[0])


def _of_labels(gxe: Any) -> Iterator[Any]:
    yield gxe.ExpectColumnValuesToBeBetween(column="slowdown", min_value=SLOWDOWN_FLOOR, max_value=SLOWDOWN_CEILING)
    yield gxe.ExpectColumnValuesToBeBetween(column="highest_intensity", min_value=0.0, max_value=1.0)
    yield gxe.ExpectColumnValuesToBeInSet(column="provenance", value_set=[each.value for each in Provenance])
    axes = "|".join(AXES)
    yield gxe.ExpectColumnValuesToMatchRegex(column="pressed", regex=rf"^(?:(?:{axes})(?:\+(?:{axes}))*)?$")
    yield gxe.ExpectColumnValuesToBeInSet(column="provenance_fits_stressors", value_set=[True])
    yield gxe.ExpectColumnValuesToBeInSet(column="axes_against_stressors", value_set=[""])
    for constant in ("slowdown", "pressed"):
        yield gxe.ExpectColumnUniqueValueCountToBeBetween(column=constant, min_value=2)


def _of_vectors(gxe: Any) -> Iterator[Any]:
    for part in PARTS:
        for spec in FEATURE_SCHEMA_V1.features:
            column = f"{part}.{spec.name}"
            yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=spec.minimum, max_value=spec.maximum)
            yield gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(column=column, min_value=0.0, strict_min=True)
        for pmu in COUNTING:
            yield gxe.ExpectColumnMeanToBeBetween(column=f"{part}.missing_of_{pmu.value}", max_value=MOST_MISSING_SHARE)
        yield gxe.ExpectColumnValuesToBeInSet(column=f"{part}.axes_without_features", value_set=[""])
