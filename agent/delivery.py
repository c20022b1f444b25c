"""Vectors on their way to ingest: the loop leaves them in the spool, a thread of its own sends them in batches."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from zlib import crc32

from agent.backoff import Backoff
from agent.errors import UnreachableError
from agent.http_client import HttpClient
from agent.ingest_answer import Failure, Indigestible, Pace, Report, meaning_of
from agent.spool import Spool, SpoolFigures
from agent.troubles import Troubles
from contracts.vector import FeatureVector, to_json

PATH = "/v1/vectors"
CONTENT_TYPE = "application/x-ndjson"
ANSWER_SECONDS = 20.0
"""For the client's waits: ingest may write the batches of many senders first."""
INTERVAL_SECONDS = 10.0
BATCH_VECTORS = 512
BATCH_BYTES = 1 << 20

_CLOSING_SECONDS = 0.8
_LONGEST_PAUSE_SECONDS = 300.0
_FAILURES = (
    "ingest-busy",
    "ingest-denied",
    "ingest-fails",
    "ingest-gone",
    "ingest-strange",
    "ingest-unreachable",
    "spool-unreadable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFigures:
    """What waits, and what became of the rest since the start.

    Attributes:
        spool: what waits and what was lost.
        delivered: vectors that ingest has.
        refused: vectors that ingest will never take.
        batches: requests that ingest took.
        failures: requests after which the same has to be sent again.
        last_success_seconds: when ingest took a batch last, Unix time; absent where it took none since the start.
    """

    spool: SpoolFigures = field(default_factory=SpoolFigures)
    delivered: int = 0
    refused: int = 0
    batches: int = 0
    failures: int = 0
    last_success_seconds: float | None = None


def moment_of(node: str) -> float:
    """A node's own moment within an interval, from 0 to below 1."""
    return crc32(node.encode()) / 2**32


def usual_paces() -> Mapping[Pace, Backoff]:
    """How long to pause after failures."""
    return {
        Pace.SOON: Backoff(first_seconds=0.5, longest_seconds=10.0),
        Pace.USUAL: Backoff(first_seconds=2.0, longest_seconds=_LONGEST_PAUSE_SECONDS),
        Pace.LATE: Backoff(first_seconds=_LONGEST_PAUSE_SECONDS, longest_seconds=_LONGEST_PAUSE_SECONDS),
    }


class Delivery:
    """The vectors' way to ingest; a ``VectorSink``.

    Batches go out at an even pace, each node at a moment of its own within the interval, so that nodes which were
    started together do not send together. What ingest has not acknowledged stays in the spool; nothing overtakes it.

    Args:
        spool: this delivery's own; closed with it.
        client: to ingest, with a time limit of ``ANSWER_SECONDS``; used by the delivery's thread alone.
        troubles: hears what is amiss.
        node: the node's name, which sets its moment.
        interval_seconds: between two batches where nothing is behind, above zero.
        paces: pauses after failures.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        client: HttpClient,
        troubles: Troubles,
        node: str,
        interval_seconds: float = INTERVAL_SECONDS,
        paces: Mapping[Pace, Backoff] | None = None,
    ) -> None:
        self._spool = spool
        self._client = client
        self._troubles = troubles
        self._interval_seconds = interval_seconds
        self._first_pause_seconds = interval_seconds * moment_of(node)
        self._paces = usual_paces() if paces is None else paces
        self._batch_vectors = BATCH_VECTORS
        self._figures = DeliveryFigures()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def accept(self, vectors: Sequence[FeatureVector]) -> None:
        """Leave a window's vectors in the spool: safe when this returns, unless the spool can't be written."""
        self._spool.append([to_json(vector) for vector in vectors])

    def close(self) -> None:
        """Stop within a second, whatever a request is waiting for; what is not acknowledged stays in the spool."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSING_SECONDS)
        self._spool.close()

    def figures(self) -> DeliveryFigures:
        """What waits and what became of the rest, now."""
        return replace(self._figures, spool=self._spool.figures())

    def _run(self) -> None:
        pause_seconds = self._first_pause_seconds
        try:
            while not self._stop.wait(pause_seconds):
                pause_seconds = self._send_waiting()
        finally:
            self._client.close()
            if not self._stop.is_set():
                self._troubles.tell(
                    "delivery-ended", "the thread that sends vectors has died, see the log: restart the agent"
                )

    def _send_waiting(self) -> float:
        """Send batch after batch until nothing waits, or one fails; for how many seconds to pause."""
        while not self._stop.is_set():
            try:
                batch = self._spool.take(count=self._batch_vectors, size_bytes=BATCH_BYTES)
            except OSError as error:
                sentence = f"vectors that wait can't be read: {error.strerror or error}; see to the disk"
                return self._failed(Failure(trouble="spool-unreadable", sentence=sentence))
            if not batch:
                self._batch_vectors = BATCH_VECTORS
                break
            failure = self._send_in_parts(batch)
            if failure is not None and not self._stop.is_set():
                self._spool.put_back()
                return self._failed(failure)
        return self._interval_seconds

    def _send_in_parts(self, batch: Sequence[bytes]) -> Failure | None:
        """Send a batch, and its halves where it is not taken as it is: so one vector does not block the others."""
        parts = deque([batch])
        while parts and not self._stop.is_set():
            part = parts.popleft()
            match self._send(part):
                case Report() as report:
                    self._took(report)
                case Indigestible() as answer if len(part) > 1:
                    half = len(part) // 2
                    parts.extendleft([part[half:], part[:half]])
                    if answer.is_too_large:
                        self._batch_vectors = half
                    continue
                case Indigestible(reason=reason):
                    self._refused(reason, count=1)
                case Failure() as failure:
                    return failure
            self._spool.acknowledge(len(part))
        return None

    def _send(self, vectors: Sequence[bytes]) -> Report | Indigestible | Failure:
        try:
            answer = self._client.exchange(
                "POST",
                PATH,
                body=b"".join(vector + b"\n" for vector in vectors),
                headers={"Content-Type": CONTENT_TYPE},
            )
        except UnreachableError as error:
            return Failure(trouble="ingest-unreachable", sentence=f"{error}; vectors wait in the spool")
        return meaning_of(answer, sent=len(vectors), url=self._client.server.url)

    def _took(self, report: Report) -> None:
        for name in _FAILURES:
            self._troubles.clear(name)
        for backoff in self._paces.values():
            backoff.succeeded()
        self._figures = replace(
            self._figures,
            delivered=self._figures.delivered + report.written + report.repeated,
            batches=self._figures.batches + 1,
            last_success_seconds=time.time(),
        )
        if report.refused:
            self._refused(report.refused[0].reason, count=len(report.refused))
        else:
            self._troubles.clear("vectors-refused")

    def _refused(self, reason: str, *, count: int) -> None:
        """They are given up: to send them again would change nothing, and hold up the others."""
        refused = self._figures.refused + count
        self._figures = replace(self._figures, refused=refused)
        self._troubles.tell("vectors-refused", f"ingest refused {refused} vectors for good, lastly since: {reason}")

    def _failed(self, failure: Failure) -> float:
        self._figures = replace(self._figures, failures=self._figures.failures + 1)
        for name in _FAILURES:
            if name != failure.trouble:
                self._troubles.clear(name)
        self._troubles.tell(failure.trouble, failure.sentence)
        return self._paces[failure.pace].failed(asked_seconds=failure.asked_seconds)
