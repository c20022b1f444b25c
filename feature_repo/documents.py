"""Profiles and labels as Feast has them: their columns, by what they are joined, and when each is known.

A document is the same as another where join keys and event time are; the first one stays, and one that says something
else under the same key is refused. ``digest_column`` holds SHA-256 over the canonical JSON: labelled traces name
profiles by it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic

import pyarrow as pa

from contracts.canonical import digest
from contracts.profile import PROFILE_DIGEST_V1, WorkloadProfile
from contracts.trace import TRACE_DIGEST_V1, LabelledTrace
from feature_repo.document_columns import D, DocumentColumns
from feature_repo.names import LABEL_NAME, PROFILE_NAME

EVENT_COLUMN = "event_timestamp"
MICROSECONDS = pa.timestamp("us", tz="UTC")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView(Generic[D]):
    """One contract's documents.

    Attributes:
        name: of the view, its partitions or its table.
        contract: the contract's digest.
        columns: the contract's fields.
        join_keys: the columns that Feast joins by.
        digest_column: holds the document's own digest.
        known_at_microseconds: when a document is known, in whole UTC microseconds since 1970, rounded up.
    """

    name: str
    contract: str
    columns: DocumentColumns[D]
    join_keys: tuple[str, ...]
    digest_column: str
    known_at_microseconds: Callable[[D], int]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns in which no two rows are alike."""
        return (*self.join_keys, EVENT_COLUMN)

    @property
    def feature_schema(self) -> pa.Schema:
        """What Feast hands back beyond the join keys."""
        return pa.schema(
            [
                *(field for field in self.columns.schema if field.name not in self.join_keys),
                pa.field(self.digest_column, pa.string()),
            ]
        )

    def rows(self, documents: Sequence[D]) -> pa.Table:
        """One row a document: what is pushed, and what history holds."""
        known = pa.array([self.known_at_microseconds(document) for document in documents], pa.int64())
        digests = [digest(document.model_dump(mode="json")) for document in documents]
        table = self.columns.flat(documents)
        table = table.append_column(self.digest_column, pa.array(digests, pa.string()))
        return table.append_column(EVENT_COLUMN, known.cast(MICROSECONDS))


def _profile_known(profile: WorkloadProfile) -> int:
    since = profile.last_seen - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _label_known(trace: LabelledTrace) -> int:
    """The window's end; before that the slowdown was not yet measured."""
    return -(-(trace.window_start_ns + trace.window_length_ns) // 1000)


PROFILES = DocumentView(
    name=PROFILE_NAME,
    contract=PROFILE_DIGEST_V1,
    columns=DocumentColumns.of(WorkloadProfile, prefix="profile", join_keys={("key",): "workload"}),
    join_keys=("workload",),
    digest_column="profile_digest",
    known_at_microseconds=_profile_known,
)
"""What is known of workloads; a profile is known when the last thing that went into it was seen."""

LABELS = DocumentView(
    name=LABEL_NAME,
    contract=TRACE_DIGEST_V1,
    columns=DocumentColumns.of(
        LabelledTrace,
        prefix="label",
        join_keys={("node",): "node", ("domain",): "domain", ("victim", "key"): "workload"},
    ),
    join_keys=("node", "domain", "workload"),
    digest_column="label_digest",
    known_at_microseconds=_label_known,
)
"""Slowdowns that victims suffered; a label is known at its window's end."""
