"""Follows an API server's nodes, pods and NodeStates, and writes down what comes; it reads, and writes nothing there.

A week beside a scheduler can then be asked what other policies and models would have done in it.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b

from contracts.nodestate import GROUP, PLURAL, VERSION
from eval.replay.recorded_node import reduced_node
from eval.replay.recorded_pod import reduced_pod
from eval.replay.recorded_state import reduced_node_state
from eval.replay.recording import Kind
from eval.replay.writing import RecordingWriter
from scheduler_extender.api_server import ApiReader, ApiServer
from scheduler_extender.reflector import Reflector, Resource

RESOURCES = {
    Kind.NODE: Resource(path="/api/v1/nodes", read=reduced_node),
    Kind.POD: Resource(path="/api/v1/pods", read=reduced_pod, by_uid=True),
    Kind.NODE_STATE: Resource(path=f"/apis/{GROUP}/{VERSION}/{PLURAL}", read=reduced_node_state),
}
"""In the order in which their news are written: who is in a state is known before it. Nodes are asked for whole, since
their metadata alone has no allocatable resources."""

_AT_ONCE_SECONDS = 0.2
_GATHERED_SECONDS = 0.02
"""News that follow one another this closely are taken together."""
_LOOKED_SECONDS = 1.0
_FIRST_ANSWER_SECONDS = 30.0
_DIGEST_BYTES = 8


def cluster_time(server: ApiServer) -> datetime | None:
    """The API server's clock, to the second; ``None`` where it does not say.

    Raises:
        ApiError: it can't be reached, or refuses to tell of nodes.
    """
    reader = ApiReader(server)
    path = RESOURCES[Kind.NODE].path
    with reader.answering(path, {"limit": "1"}, silent_seconds=_FIRST_ANSWER_SECONDS) as response:
        said = response.headers.get("Date", "")
    reader.close()
    try:
        return parsedate_to_datetime(said).astimezone(UTC)
    except ValueError:
        return None


class Recorder:
    """Writes down what an API server tells, until it is stopped.

    Args:
        server: the API server.
        writer: where to.
        told: is told, in a sentence, what should be known of while it goes on.

    Attributes:
        written: events of each kind.
    """

    def __init__(self, server: ApiServer, writer: RecordingWriter, *, told: Callable[[str], None]) -> None:
        self._reflectors = {kind: Reflector(server, resource) for kind, resource in RESOURCES.items()}
        self._writer = writer
        self._told = told
        self._heard = threading.Event()
        self._stopped = False
        self._whole = False
        self._complaint = ""
        self._written_last: dict[tuple[Kind, str], bytes] = {}
        self.written: Counter[Kind] = Counter()

    def stop(self) -> None:
        """End ``follow`` soon, with all written that was taken in; may be called by a signal's handler."""
        self._stopped = True
        self._heard.set()

    def follow(self, *, seconds: float, periodically: Callable[[], None], period_seconds: float) -> None:
        """Follow for so long, or until stopped.

        Args:
            seconds: how long.
            periodically: called now and then, and in the end.
            period_seconds: how often.

        Raises:
            OSError: the disk is full or gone.
        """
        until = time.monotonic() + seconds
        next_time = time.monotonic() + period_seconds
        for reflector in self._reflectors.values():
            reflector.start(self._heard.set)
        try:
            while not self._stopped and time.monotonic() < until:
                self._heard.wait(min(_LOOKED_SECONDS, max(until - time.monotonic(), 0.0)))
                self._heard.clear()
                self._take_down()
                if time.monotonic() >= next_time:
                    periodically()
                    next_time = time.monotonic() + period_seconds
                time.sleep(_GATHERED_SECONDS)
        finally:
            for reflector in self._reflectors.values():
                reflector.close()
        self._take_down()
        periodically()

    def _take_down(self) -> None:
        all_listed = all(reflector.synced for reflector in self._reflectors.values())
        for kind, reflector in self._reflectors.items():
            while reflector.waiting:
                self._write(kind, reflector)
        if all_listed and not self._whole:
            self._whole = True
            self._writer.whole(at=datetime.now(UTC))
            known = ", ".join(f"{count} {kind}" for kind, count in self.written.items())
            self._told(f"all that the cluster has is written: {known or 'nothing'}")
        self._writer.flush()
        self._pass_complaint_on()

    def _write(self, kind: Kind, reflector: Reflector[bytes]) -> None:
        news = reflector.changes(seconds=_AT_ONCE_SECONDS)
        at = datetime.now(UTC)
        for change in news.changed:
            if self._is_new(kind, change.name, change.value):
                self._writer.write(kind, change.name, change.value, at=at)
                self.written[kind] += 1
        for refusal in news.refused:
            self._told(f"not written: {refusal.sentence}")

    def _is_new(self, kind: Kind, name: str, content: bytes | None) -> bool:
        """Whether anything has changed of what is kept: nodes and pods change all the time in what is not."""
        if content is None:
            return self._written_last.pop((kind, name), None) is not None
        digest = blake2b(content, digest_size=_DIGEST_BYTES).digest()
        is_new = self._written_last.get((kind, name)) != digest
        self._written_last[kind, name] = digest
        return is_new

    def _pass_complaint_on(self) -> None:
        complaint = next(filter(None, (reflector.complaint for reflector in self._reflectors.values())), "")
        if complaint != self._complaint:
            self._complaint = complaint
            self._told(complaint or "the API server is followed again")
