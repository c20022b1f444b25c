"""Taking vectors in: checked against the contract, pushed online, written to history.

A batch is taken vector by vector. What cannot be taken is reported with its place and the reason, and leaves no trace;
the others are taken all the same, so that one bad vector does not hold up a sender's spool. When ``accept`` returns,
everything it took is on disk in both stores. When it raises, the same batch can be sent again.

Senders deliver at least once and may deliver late. A vector that is there already, by node, domain and window start, is
counted and dropped: the first one stays. An older vector goes to history and never replaces a newer one online, which
Feast's sqlite store would let happen. Online is written before history, so a window that begins after the online one
has ended is in no file yet, and history is searched for the rare others only.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, from_json, refuse_foreign_digest
from feature_repo.definitions import PUSH_SOURCE_NAME
from feature_repo.history import latest_vectors
from feature_repo.lock import exclusive
from feature_repo.partitions import WindowKey, append, key_of, keys_in, partition_of
from feature_repo.rows import to_rows
from feature_repo.store import Store

CLOCK_TOLERANCE_NS = 300 * 1_000_000_000
"""How far a window's end may lie ahead of ingest's clock. Further, the node's clock is wrong, and the vector would stay
the latest one online until that time comes."""

_NAME = re.compile(r"[!-~]{1,253}")
_Domain = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A vector that was not taken.

    Attributes:
        place: its index in the batch, from 0.
        reason: what is wrong with it and what to do.
    """

    place: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of a batch: each vector was written, repeated or refused.

    Attributes:
        written: new in history.
        repeated: known already, by node, domain and window start, or twice in this batch.
        refused: not taken, in the batch's order.
        advanced: domains whose latest vector online is a new one.
    """

    written: int
    repeated: int
    refused: tuple[Refusal, ...]
    advanced: int


class Ingest:
    """The way into a feature store. Any number of threads and processes may share a store: they take turns."""

    def __init__(self, store: Store, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Take vectors for one store.

        Args:
            now_ns: UTC nanoseconds since 1970; another than the system's where time is simulated.
        """
        self._store = store
        self._now_ns = now_ns

    def accept(self, vectors: Sequence[FeatureVector]) -> IngestReport:
        """Take a batch.

        Raises:
            OSError, sqlite3.Error: a store could not be written; sending the batch again is safe.
        """
        return self._accept(list(enumerate(vectors)), [])

    def accept_encoded(self, encoded: Sequence[bytes | str]) -> IngestReport:
        """Take a batch as it arrives from a node agent, each vector as ``contracts.vector.to_json`` wrote it.

        Raises:
            OSError, sqlite3.Error: a store could not be written; sending the batch again is safe.
        """
        decoded: list[tuple[int, FeatureVector]] = []
        refused: list[Refusal] = []
        for place, content in enumerate(encoded):
            try:
                decoded.append((place, from_json(content)))
            except ContractError as error:
                refused.append(Refusal(place=place, reason=str(error)))
        return self._accept(decoded, refused)

    def _accept(self, placed: Sequence[tuple[int, FeatureVector]], refused: list[Refusal]) -> IngestReport:
        lawful: list[FeatureVector] = []
        for place, vector in placed:
            try:
                self._refuse_unlawful(vector)
                lawful.append(vector)
            except ContractError as error:
                refused.append(Refusal(place=place, reason=str(error)))
        fresh, advanced = self._write(lawful) if lawful else (0, 0)
        return IngestReport(
            written=fresh,
            repeated=len(lawful) - fresh,
            refused=tuple(sorted(refused, key=lambda refusal: refusal.place)),
            advanced=advanced,
        )

    def _refuse_unlawful(self, vector: FeatureVector) -> None:
        where = f"{vector.node!a}/{vector.domain!a}"
        refuse_foreign_digest(vector.schema.digest, FEATURE_SCHEMA_V1, where=where)
        if not _NAME.fullmatch(vector.node) or not _NAME.fullmatch(vector.domain):
            raise ContractError(
                f"vector of {where}: the names of node and domain are of 1 to 253 printable ASCII characters, no spaces"
            )
        ahead_ns = vector.window_end_ns - self._now_ns()
        if ahead_ns > CLOCK_TOLERANCE_NS:
            raise ContractError(
                f"vector of {where}: its window ends {ahead_ns / 1e9:.0f} s ahead of ingest's clock, "
                f"{CLOCK_TOLERANCE_NS // 1_000_000_000} s are allowed: set the node's clock"
            )

    def _write(self, vectors: Sequence[FeatureVector]) -> tuple[int, int]:
        """Write what is new; how many vectors went to history, and how many domains advanced online."""
        with exclusive(self._store.lock):
            latest = self._latest(vectors)
            fresh = self._without_repeats(vectors, latest)
            newest = [vector for vector in _newest(fresh).values() if _is_newer(vector, latest)]
            if newest:
                with self._store.online:
                    self._store.feast.push(PUSH_SOURCE_NAME, to_rows(newest).to_pandas())
            append(fresh, history=self._store.history, incoming=self._store.incoming)
        return len(fresh), len(newest)

    def _latest(self, vectors: Sequence[FeatureVector]) -> dict[_Domain, FeatureVector]:
        domains = sorted({(vector.node, vector.domain) for vector in vectors})
        found = zip(domains, latest_vectors(self._store, domains), strict=True)
        return {domain: vector for domain, vector in found if vector is not None}

    def _without_repeats(
        self, vectors: Sequence[FeatureVector], latest: Mapping[_Domain, FeatureVector]
    ) -> list[FeatureVector]:
        unique: dict[WindowKey, FeatureVector] = {}
        for vector in vectors:
            unique.setdefault(key_of(vector), vector)
        doubtful = {partition_of(key) for key, vector in unique.items() if not _is_after(vector, latest)}
        known = frozenset[WindowKey]().union(*(keys_in(self._store.history / partition) for partition in doubtful))
        return [vector for key, vector in unique.items() if key not in known]


def _newest(vectors: Sequence[FeatureVector]) -> dict[_Domain, FeatureVector]:
    return {(vector.node, vector.domain): vector for vector in sorted(vectors, key=_age_order)}


def _age_order(vector: FeatureVector) -> tuple[int, int]:
    """The order in which a point-in-time join prefers vectors too."""
    return (vector.window_end_ns, vector.window_start_ns)


def _is_newer(vector: FeatureVector, latest: Mapping[_Domain, FeatureVector]) -> bool:
    online = latest.get((vector.node, vector.domain))
    return online is None or _age_order(vector) > _age_order(online)


def _is_after(vector: FeatureVector, latest: Mapping[_Domain, FeatureVector]) -> bool:
    """Whether the window began when the one online had ended: such a window cannot be in history."""
    online = latest.get((vector.node, vector.domain))
    return online is not None and vector.window_start_ns >= online.window_end_ns
