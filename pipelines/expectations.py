"""What must hold of traces before anything is trained on them, as Great Expectations.

Great Expectations never raises: it answers whether all expectations were met, and a failed one stops the training here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from contracts.axis import AXES
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document
from contracts.profile import Tier
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR
from contracts.trace import Provenance
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.folds import FEWEST_GROUPS
from pipelines.trace_table import trace_table

if TYPE_CHECKING:
    from pandas import DataFrame

SHORTEST_WINDOW_SECONDS, LONGEST_WINDOW_SECONDS = 0.5, 300.0
LARGEST_PARTY = 64
_SOMETIMES_PRESENT = 1e-9
"""Share of rows that a feature must be present in: any, but not none."""
_SHOWN = 5


class Validation(Document):
    """What was checked, of how many rows."""

    expectations: int
    rows: int


def validate(dataset: TraceDataset) -> Validation:
    """Check a dataset.

    Raises:
        DataError: an expectation is not met; names it, its column and the first rows.
    """
    table = trace_table(dataset)
    result = _validated(table)
    failed = [answer for answer in result.results if not answer.success]
    if not result.success or failed:
        raise DataError(_complaint(failed))
    return Validation(expectations=len(result.results), rows=len(table))


def _validated(table: DataFrame) -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("traces").add_dataframe_asset("traces")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": table})
    suite = gx.ExpectationSuite(name="labelled-traces", expectations=list(_expectations(gx.expectations)))
    return batch.validate(suite, result_format={"result_format": "SUMMARY", "unexpected_index_column_names": []})


def _expectations(gxe: Any) -> Iterator[Any]:
    yield gxe.ExpectTableRowCountToBeBetween(min_value=1)
    yield gxe.ExpectColumnUniqueValueCountToBeBetween(column="victim_group", min_value=FEWEST_GROUPS)
    yield gxe.ExpectColumnValuesToBeBetween(
        column="window_seconds", min_value=SHORTEST_WINDOW_SECONDS, max_value=LONGEST_WINDOW_SECONDS
    )
    yield gxe.ExpectColumnValuesToBeBetween(column="slowdown", min_value=SLOWDOWN_FLOOR, max_value=SLOWDOWN_CEILING)
    yield gxe.ExpectColumnValuesToBeBetween(column="co_runners", min_value=0, max_value=LARGEST_PARTY)
    yield gxe.ExpectColumnValuesToBeBetween(column="highest_intensity", min_value=0.0, max_value=1.0)
    yield gxe.ExpectColumnValuesToBeInSet(column="victim_tier", value_set=[tier.value for tier in Tier])
    yield gxe.ExpectColumnValuesToBeInSet(column="provenance", value_set=[each.value for each in Provenance])
    axes = "|".join(AXES)
    yield gxe.ExpectColumnValuesToMatchRegex(column="pressed", regex=rf"^(?:(?:{axes})(?:\+(?:{axes}))*)?$")
    for column in ("victim_is_conservative", "profile_is_younger"):
        yield gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[False])
    yield gxe.ExpectColumnValuesToBeInSet(column="own_co_runners", value_set=[0])
    for part in ("before", "during"):
        for spec in FEATURE_SCHEMA_V1.features:
            column = f"{part}.{spec.name}"
            yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=spec.minimum, max_value=spec.maximum)
            yield gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=_SOMETIMES_PRESENT)


def _complaint(failed: list[Any]) -> str:
    first, *others = failed
    told = first.expectation_config
    column = told.kwargs.get("column", "the table")
    rows = first.result.get("partial_unexpected_index_list") or []
    values = first.result.get("partial_unexpected_list") or []
    seen = first.result.get("observed_value")
    found = f"found {seen}" if seen is not None else f"{first.result.get('unexpected_count', 'some')} row(s) fail"
    where = f", rows {', '.join(map(str, rows[:_SHOWN]))}" if rows else ""
    what = f" with {', '.join(map(str, values[:_SHOWN]))}" if values else ""
    raised = [error["exception_message"] for error in _exceptions(first)]
    more = f" ({len(others)} more expectation(s) failed)" if others else ""
    return (
        f"traces are refused: {told.type} on {column} is not met: {raised[0] if raised else found}{where}{what}{more}; "
        "nothing was trained"
    )


def _exceptions(answer: Any) -> list[dict[str, Any]]:
    """What an expectation stumbled over; keyed by metric, or one alone."""
    told = answer.exception_info or {}
    entries = [told] if "raised_exception" in told else list(told.values())
    return [entry for entry in entries if entry.get("raised_exception")]
