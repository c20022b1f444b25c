"""Senders for ``ingest_cost``, in one process on one core: so lean that the server is what is measured.

The lines are made beforehand, and only the numbers of windows are written anew for each batch. ``python -m
tests.bench.ingest_senders PORT CASE`` prints what was taken, as JSON.
"""

import json
import resource
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import numpy as np

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, to_json
from tests.bench.ingest_cost import Case, Taken

_STEP_NS = 10_000_000_000
_HEAD = b"POST /v1/vectors HTTP/1.1\r\nHost: ingest\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n"
_PAST_NS = 86_400_000_000_000
_START = b'"windowStartNs":1000000000000000000'
_MADE = 8192
"""Different vectors: values wander as those of a running node do."""


def made_lines() -> list[tuple[bytes, bytes]]:
    """What stands before the node's name and behind the window's start, of vectors whose values wander."""
    generator = np.random.default_rng(7)
    minima = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features])
    spans = np.array([spec.maximum for spec in FEATURE_SCHEMA_V1.features]) - minima
    slow = np.sin(np.arange(_MADE)[:, None] / 300.0 + generator.uniform(0.0, 6.0, len(spans)))
    shares = 0.5 + 0.3 * slow + generator.normal(0.0, 0.02, (_MADE, len(spans)))
    values = (minima + spans * np.clip(shares, 0.0, 1.0)).astype(np.float32)
    values[:, generator.random(len(spans)) < 0.2] = np.nan
    lines = []
    for index in range(_MADE):
        vector = FeatureVector(
            node="NODE",
            domain=f"socket{index % 2}",
            window_start_ns=10**18,
            window_length_ns=_STEP_NS,
            values=values[index],
        )
        before, after = to_json(vector).split(b"NODE")
        lines.append((before, after))
    return lines


@dataclass(slots=True)
class Node:
    """One node's windows, one after the other."""

    name: bytes
    start_ns: int


@dataclass(slots=True)
class Tally:
    """Answers so far."""

    vectors: int = 0
    turned_away: int = 0
    waits: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Connection:
    """One connection, with at most one batch under way."""

    socket: socket.socket
    sent_at: float = 0.0
    answer: bytes = b""


def batches(case: Case) -> Iterator[bytes]:
    """Requests, node by node; never the same window twice."""
    lines = made_lines()
    begin_ns = time.time_ns() - _PAST_NS
    nodes = [Node(b"node-%05d" % number, begin_ns) for number in range(case.nodes or case.connections)]
    made = 0
    while True:
        for node in nodes:
            body = bytearray()
            for index in range(case.vectors):
                before, after = lines[made % _MADE]
                start = b'"windowStartNs":%d' % (node.start_ns + index // 2 * _STEP_NS)
                body += before + node.name + after.replace(_START, start) + b"\n"
                made += 1
            node.start_ns += -(-case.vectors // 2) * _STEP_NS
            yield _HEAD % len(body) + body


def send(case: Case, port: int) -> Taken:
    """Send for a while, then wait for the last answers."""
    requests, tally = batches(case), Tally()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    ready = [next(requests) for _ in range(case.connections)]
    selector = selectors.DefaultSelector()
    idle = deque(Connection(socket.create_connection(("127.0.0.1", port))) for _ in range(case.connections))
    for connection in idle:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    began, sent = time.perf_counter(), 0
    while True:
        now = time.perf_counter()
        is_over = now - began >= case.seconds
        while idle and not is_over and (case.rate == 0.0 or sent * case.vectors <= (now - began) * case.rate):
            connection = idle.popleft()
            request = ready.pop() if ready else next(requests)
            connection.sent_at, connection.answer = time.perf_counter(), b""
            connection.socket.sendall(request)
            sent += 1
        if is_over and len(idle) == case.connections:
            break
        for key, _ in selector.select(timeout=0.001):
            if _answered(key.data, tally):
                idle.append(key.data)
    waits = np.sort(np.array(tally.waits)) * 1e3
    return Taken(
        vectors=tally.vectors,
        turned_away=tally.turned_away,
        seconds=time.perf_counter() - began,
        p50_ms=float(np.quantile(waits, 0.5)),
        p99_ms=float(np.quantile(waits, 0.99)),
    )


def _answered(connection: Connection, tally: Tally) -> bool:
    received = connection.socket.recv(65536)
    if not received:
        raise ConnectionError("the server has closed a connection: more senders than the rate keeps busy")
    connection.answer += received
    head, end, body = connection.answer.partition(b"\r\n\r\n")
    if not end or not body.endswith(b"}"):
        return False
    if head.startswith(b"HTTP/1.1 200"):
        report = json.loads(body)
        tally.vectors += report["written"]
        tally.waits.append(time.perf_counter() - connection.sent_at)
    else:
        tally.turned_away += 1
    return True


if __name__ == "__main__":
    print(json.dumps(asdict(send(Case(**json.loads(sys.argv[2])), int(sys.argv[1])))))
