"""Traces held to the expectations; what fails is named, kept and shown, and stops the run.

Great Expectations never raises: it answers whether all expectations were met, and a failed one stops the run here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.model import Document
from pipelines.data_docs import write_data_docs
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.expectations import expectations
from pipelines.trace_table import KEYS, trace_table
from serving.replacement import replace_file

if TYPE_CHECKING:
    from pandas import DataFrame

DOCS_PAGE = "index.html"
_SHOWN = 3


class Validation(Document):
    """What was checked, of how many rows."""

    expectations: int
    rows: int


def validated(dataset: TraceDataset, *, docs: Path, bad_rows: Path) -> Validation:
    """Check a dataset.

    Args:
        dataset: as extracted.
        docs: directory where the findings are written for a person, as ``index.html``, whatever they are.
        bad_rows: where rows that fail are kept, as Parquet: each once, all columns of ``pipelines.trace_table``, and
            ``failed``, the expectations that it fails. There is no such file where none does.

    Raises:
        DataError: an expectation is not met; names it, its column, the first rows and where all are kept.
    """
    return validated_table(trace_table(dataset), docs=docs, bad_rows=bad_rows)


def validated_table(table: DataFrame, *, docs: Path, bad_rows: Path) -> Validation:
    """Check a trace table; see ``validated``."""
    bad_rows.unlink(missing_ok=True)
    result = _result(table)
    write_data_docs(result, docs / DOCS_PAGE)
    failed = [answer for answer in result.results if not answer.success]
    if not result.success or failed:
        kept = _keep_bad_rows(table, failed, bad_rows)
        raise DataError(f"{_complaint(failed)}; {kept}; nothing was trained")
    return Validation(expectations=len(result.results), rows=len(table))


def _result(table: DataFrame) -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("traces").add_dataframe_asset("traces")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": table})
    suite = gx.ExpectationSuite(name="labelled-traces", expectations=list(expectations(gx.expectations)))
    told = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": ["row", *KEYS],
        "return_unexpected_index_query": False,
    }
    return batch.validate(suite, result_format=told)


def _keep_bad_rows(table: DataFrame, failed: list[Any], file: Path) -> str:
    """Write them; says how many and where."""
    reasons: dict[int, list[str]] = {}
    for answer in failed:
        for found in _rows(answer):
            reasons.setdefault(int(found["row"]), []).append(_name(answer))
    if not reasons:
        return "no single row is at fault"
    bad = table[table["row"].isin(reasons)]
    kept = pa.Table.from_pandas(bad.assign(failed=[reasons[row] for row in bad["row"]]), preserve_index=False)
    sink = pa.BufferOutputStream()
    pq.write_table(kept, sink, compression="zstd")
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, sink.getvalue().to_pybytes())
    return f"{len(bad)} bad row(s) are kept in {file}"


def _complaint(failed: list[Any]) -> str:
    first, *others = failed
    told = [f"{_name(first)} is not met: {_finding(first)}"]
    if others:
        more = ", ".join(_name(answer) for answer in others[:_SHOWN])
        rest = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        told.append(f"nor are {len(others)} other(s): {more}{rest}")
    return f"traces are refused: {'; '.join(told)}"


def _name(answer: Any) -> str:
    told = answer.expectation_config
    columns = told.kwargs.get("column") or "+".join(told.kwargs.get("column_list", ())) or "the table"
    return f"{told.type} on {columns}"


def _finding(answer: Any) -> str:
    raised = _exceptions(answer)
    if raised:
        return str(raised[0]["exception_message"])
    rows = _rows(answer)
    if not rows:
        return f"found {answer.result.get('observed_value')}"
    column = answer.expectation_config.kwargs.get("column")
    shown = ", ".join(
        f"row {found['row']} ({'/'.join(str(found[key]) for key in KEYS)}){f' with {found[column]}' if column else ''}"
        for found in rows[:_SHOWN]
    )
    return f"{len(rows)} row(s) fail: {shown}{', ...' if len(rows) > _SHOWN else ''}"


def _rows(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.result.get("unexpected_index_list") or []
    return found


def _exceptions(answer: Any) -> list[dict[str, Any]]:
    """What an expectation stumbled over; keyed by metric, or one alone."""
    told = answer.exception_info or {}
    entries = [told] if "raised_exception" in told else list(told.values())
    return [entry for entry in entries if entry.get("raised_exception")]
