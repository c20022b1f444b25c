"""Taking vectors in: checked against the contract, pushed online, written to history.

A batch is taken vector by vector. What cannot be taken is reported with its place and the reason, and leaves no trace;
the others are taken all the same, so that one bad vector does not hold up a sender's spool. When ``accept`` returns,
everything it took is on disk in both stores. When it raises, the same batch can be sent again.

Senders deliver at least once and may deliver late. A vector that is there already, by node, domain and window start, is
counted and dropped: the first one stays. An older vector goes to history and never replaces a newer one online, which
Feast's online stores would let happen. Online is written before history, so a window that begins after the online one
has ended is in no file yet, and history is searched for the rare others only.

Several batches may share one write, which costs the disk hardly more than one does. They are reported each by itself,
as if they had come one after the other.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, refuse_foreign_digest
from feature_repo.latest import Latest
from feature_repo.online import push_online
from feature_repo.partitions import WindowKey
from feature_repo.report import IngestReport, Tally
from feature_repo.store import Store
from feature_repo.vector_columns import Age, Domain, VectorColumns
from feature_repo.vector_history import append_rows, known_windows
from feature_repo.vector_lines import Decoded, decode

CLOCK_TOLERANCE_NS = 300 * 1_000_000_000
"""How far a window's end may lie ahead of ingest's clock. Further, the node's clock is wrong, and the vector would stay
the latest one online until that time comes."""

_NAME = re.compile(r"[!-~]{1,253}")


class Ingest:
    """The way into a feature store. Any number of threads, processes and replicas may share one: they take turns."""

    def __init__(self, store: Store, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Take vectors for one store.

        Args:
            now_ns: UTC nanoseconds since 1970; another than the system's where time is simulated.
        """
        self._store = store
        self._now_ns = now_ns
        self._latest = Latest(store)

    def accept(self, vectors: Sequence[FeatureVector]) -> IngestReport:
        """Take a batch.

        Raises:
            OSError, sqlite3.Error: a store could not be written; sending the batch again is safe.
        """
        (report,) = self._take(_of_objects(vectors), sizes=[len(vectors)])
        return report

    def accept_encoded(self, encoded: Sequence[bytes | str]) -> IngestReport:
        """Take a batch as it arrives from a node agent, each vector as ``contracts.vector.to_json`` wrote it.

        Raises:
            OSError, sqlite3.Error: a store could not be written; sending the batch again is safe.
        """
        (report,) = self.accept_together([encoded])
        return report

    def accept_together(self, batches: Sequence[Sequence[bytes | str]]) -> tuple[IngestReport, ...]:
        """Take several batches, as ``accept_encoded`` would one after the other, with one write.

        Returns:
            As many reports as there are batches, in their order.

        Raises:
            OSError, sqlite3.Error: a store could not be written; sending the batches again is safe.
        """
        lines = [line for batch in batches for line in batch]
        return self._take(decode(lines), sizes=[len(batch) for batch in batches])

    def _take(self, decoded: Decoded, *, sizes: Sequence[int]) -> tuple[IngestReport, ...]:
        refused, lawful = dict(decoded.refused), []
        for index, reason in enumerate(self._complaints(decoded.columns)):
            if reason is None:
                lawful.append(index)
            else:
                refused[decoded.places[index]] = reason
        columns = decoded.columns.take(lawful) if len(lawful) < len(decoded.columns) else decoded.columns
        places = [decoded.places[index] for index in lawful]
        tally = Tally(sizes)
        if len(columns):
            self._write(columns, batches=[tally.batch_of(place) for place in places], tally=tally)
        return tally.reports(refused)

    def _complaints(self, columns: VectorColumns) -> Iterable[str | None]:
        """What is wrong with each vector that the contract allows, if anything."""
        latest_end_ns = self._now_ns() + CLOCK_TOLERANCE_NS
        for node, domain, end_ns in zip(columns.nodes, columns.domains, columns.ends_ns(), strict=True):
            if not _NAME.fullmatch(node) or not _NAME.fullmatch(domain):
                yield (
                    f"vector of {node!a}/{domain!a}: the names of node and domain are of 1 to 253 printable ASCII "
                    "characters, no spaces"
                )
            elif end_ns > latest_end_ns:
                ahead_ns = end_ns - latest_end_ns + CLOCK_TOLERANCE_NS
                yield (
                    f"vector of {node!a}/{domain!a}: its window ends {ahead_ns / 1e9:.0f} s ahead of ingest's clock, "
                    f"{CLOCK_TOLERANCE_NS // 1_000_000_000} s are allowed: set the node's clock"
                )
            else:
                yield None

    def _write(self, columns: VectorColumns, *, batches: Sequence[int], tally: Tally) -> None:
        """Write what is new, and note of which batch it was."""
        with self._store.changing as held:
            latest = self._latest.of(columns.node_domains(), held=held)
            fresh = self._without_repeats(columns, latest)
            newest = _newest(columns, fresh, latest)
            if fresh:
                rows = columns.take(fresh).rows()
                self._latest.changes(held)
                self._push(columns, newest)
                append_rows(self._store, rows)
        tally.note(columns, fresh=fresh, batches=batches, latest=latest)

    def _push(self, columns: VectorColumns, newest: Sequence[int]) -> None:
        if not newest:
            return
        advanced = columns.take(newest)
        self._latest.forget(advanced.node_domains())
        push_online(self._store, advanced.rows())
        self._latest.advance(dict(zip(advanced.node_domains(), advanced.ages(), strict=True)))

    def _without_repeats(self, columns: VectorColumns, latest: dict[Domain, Age]) -> list[int]:
        unique: dict[WindowKey, int] = {}
        for place, key in enumerate(columns.window_keys()):
            unique.setdefault(key, place)
        doubtful = [key for key in unique if not _is_after(key, latest)]
        if not doubtful:
            return list(unique.values())
        known = known_windows(self._store, doubtful)
        return [place for key, place in unique.items() if key not in known]


def _of_objects(vectors: Sequence[FeatureVector]) -> Decoded:
    refused: dict[int, str] = {}
    for place, vector in enumerate(vectors):
        try:
            where = f"{vector.node!a}/{vector.domain!a}"
            refuse_foreign_digest(vector.schema.digest, FEATURE_SCHEMA_V1, where=where)
        except ContractError as error:
            refused[place] = str(error)
    places = [place for place in range(len(vectors)) if place not in refused]
    return Decoded(columns=VectorColumns.of([vectors[place] for place in places]), places=places, refused=refused)


def _newest(columns: VectorColumns, places: Sequence[int], latest: dict[Domain, Age]) -> list[int]:
    """The newest vector of each domain, where it is newer than the one online."""
    ages, newest, online = columns.ages(), dict[Domain, int](), dict(latest)
    domains = columns.node_domains()
    for place in places:
        domain = domains[place]
        if domain not in online or ages[place] > online[domain]:
            online[domain], newest[domain] = ages[place], place
    return list(newest.values())


def _is_after(key: WindowKey, latest: dict[Domain, Age]) -> bool:
    """Whether the window began when the one online had ended: such a window cannot be in history."""
    online = latest.get(key[:2])
    return online is not None and key[2] >= online[0]
