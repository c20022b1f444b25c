"""From labels to training rows: each row's vectors as the feature store knew them at the time.

``during`` is what was known when the window ended. ``before`` is what was known when the latest arrival came, which is
when the window began or, where the window is not the arrival's first, some windows earlier. Both by Feast's
point-in-time join. A trace carries both already; where the store says otherwise one of the two is wrong, and nothing is
trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector, FloatArray
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError

if TYPE_CHECKING:
    from feature_repo.history import VectorKey

SETTLING_WINDOWS = 2
"""So many windows after the latest arrival a row may still be measured."""

_UNKNOWN = "the feature store has no vector of them: take the vectors in before training on them"
_FOREIGN = "the feature store has another vector than they carry: traces and store are not of one run"
_SHOWN = 3

VectorsAsOf = Callable[[Sequence["VectorKey"]], Sequence[FeatureVector | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One vector of one row."""

    row: int
    part: str
    at_ns: int
    carried: FloatArray


def extract(dataset: TraceDataset, state: Path) -> TraceDataset:
    """The dataset, with each vector checked against the feature store of a state directory.

    Raises:
        DataError: the store lacks a vector, or has another than a trace carries.
        StoreError: the store can't be opened.
        ContractError: its history breaks the vector's contract.
    """
    from feature_repo.history import vectors_as_of  # noqa: PLC0415
    from feature_repo.store import open_store  # noqa: PLC0415

    store = open_store(state)
    return extracted(dataset, lambda keys: vectors_as_of(store, keys))


def extracted(dataset: TraceDataset, vectors_as_of: VectorsAsOf) -> TraceDataset:
    """The same with the join handed in.

    Raises:
        DataError: as above.
    """
    pending = [question for row, trace in enumerate(dataset.traces) for question in _questions(row, trace)]
    for settled in range(1 + SETTLING_WINDOWS):
        known = _known(dataset, pending, vectors_as_of, windows_earlier=settled)
        if not settled:
            lacking = [each for each, vector in zip(pending, known, strict=True) if vector is None]
            _refuse(dataset, lacking, _UNKNOWN)
        pending = [each for each, vector in zip(pending, known, strict=True) if not _is(vector, each.carried)]
        _refuse(dataset, [each for each in pending if each.part == "during"], _FOREIGN)
    _refuse(dataset, pending, _FOREIGN)
    return dataset


def _known(
    dataset: TraceDataset, questions: Sequence[_Question], vectors_as_of: VectorsAsOf, *, windows_earlier: int
) -> list[FeatureVector | None]:
    from feature_repo.history import VectorKey  # noqa: PLC0415

    traces = [dataset.traces[each.row] for each in questions]
    keys = [
        VectorKey(node=trace.node, domain=trace.domain, at_ns=each.at_ns - windows_earlier * trace.window_length_ns)
        for trace, each in zip(traces, questions, strict=True)
    ]
    distinct = list(dict.fromkeys(keys))
    answers = dict(zip(distinct, vectors_as_of(distinct), strict=True))
    return [answers[key] for key in keys]


def _is(vector: FeatureVector | None, values: FloatArray) -> bool:
    return vector is not None and np.array_equal(vector.values, values, equal_nan=True)


def _questions(row: int, trace: LabelledTrace) -> tuple[_Question, _Question]:
    end = trace.window_start_ns + trace.window_length_ns
    return (
        _Question(row=row, part="before", at_ns=trace.window_start_ns, carried=trace.before_values),
        _Question(row=row, part="during", at_ns=end, carried=trace.during_values),
    )


def _refuse(dataset: TraceDataset, questions: Sequence[_Question], reason: str) -> None:
    if not questions:
        return
    rows = {question.row for question in questions}
    shown = "; ".join(_place(dataset.traces[each.row], each) for each in questions[:_SHOWN])
    raise DataError(f"{len(rows)} of {len(dataset.traces)} traces are refused ({shown}): {reason}")


def _place(trace: LabelledTrace, question: _Question) -> str:
    return f"row {question.row}, {question.part} on {trace.node}/{trace.domain} as of {question.at_ns}"
