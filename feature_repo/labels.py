"""Labels: what victims went through, as labelled traces. Taken in by whoever measures, read by training."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from contracts.trace import LabelledTrace
from feature_repo.document_history import append_documents, fresh_documents
from feature_repo.documents import EVENT_COLUMN, LABELS
from feature_repo.names import LABEL_NAME
from feature_repo.reads import reading_history
from feature_repo.store import Store

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_labels(store: Store, traces: Sequence[LabelledTrace]) -> int:
    """Take labels into history; all of them are on disk when this returns.

    A label is known by node, domain, victim and its window's end. One that is there already is left out, so sending
    again is safe.

    Returns:
        How many were new.

    Raises:
        ContractError: two labels of one victim and window differ; nothing was written.
        OSError: history could not be written; write the same again.
    """
    with store.changing:
        fresh = fresh_documents(store, LABELS, traces)
        append_documents(store, LABELS, fresh.rows)
    return len(fresh.documents)


def labels_between(store: Store, start_ns: int, end_ns: int) -> tuple[LabelledTrace, ...]:
    """All labels whose windows ended from ``start_ns`` to ``end_ns``, both included; UTC nanoseconds since 1970.

    Returns:
        In the order of their windows' ends, then node, domain and victim.

    Raises:
        ContractError: history holds a row that breaks the contract.
    """
    source = store.feast.get_data_source(f"{LABEL_NAME}_history")
    with reading_history(store):
        rows: pa.Table = store.feast.provider.offline_store.pull_all_from_table_or_query(
            config=store.feast.config,
            data_source=source,
            join_key_columns=list(LABELS.join_keys),
            feature_name_columns=LABELS.feature_schema.names,
            timestamp_field=EVENT_COLUMN,
            start_date=_EPOCH + timedelta(microseconds=start_ns // 1000),
            end_date=_EPOCH + timedelta(microseconds=-(-end_ns // 1000)),
        ).to_arrow()
    order = [(name, "ascending") for name in (EVENT_COLUMN, *LABELS.join_keys)]
    found = LABELS.columns.restore(rows.sort_by(order).to_pylist())
    return tuple(trace for trace in found if start_ns <= trace.window_start_ns + trace.window_length_ns <= end_ns)
