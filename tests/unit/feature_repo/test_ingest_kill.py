"""The server is killed a hundred times while senders send, readers read, and files are merged."""

import http.client
import itertools
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from contracts.vector import FeatureVector, to_json
from feature_repo.compaction import readers_lock
from feature_repo.endpoint import CONTENT_TYPE, PATH, RETRY_AFTER_SECONDS
from feature_repo.history import latest_vectors
from feature_repo.lock import shared
from feature_repo.partitions import WindowKey
from feature_repo.rows import from_rows
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.vectors import vector

ROOT = Path(__file__).parents[3]
LIVES = 100
LIFE_SECONDS = 0.07


class Sender(threading.Thread):
    """A node that sends its windows in order, each batch until it is acknowledged, to one replica after the other."""

    def __init__(self, node: str, ports: Sequence[int], over: threading.Event) -> None:
        super().__init__()
        self.node, self.ports, self.over = node, itertools.cycle(ports), over
        self.acknowledged: list[FeatureVector] = []
        self.attempts = 0
        self.turned_away = 0

    def run(self) -> None:
        start = 0
        while not self.over.is_set():
            batch = [vector(start, node=self.node, domain=domain) for domain in ("socket0", "socket1")]
            while not self._taken(batch):
                self.attempts += 1
                self.over.wait(0.005)
            self.acknowledged += batch
            start += 10

    def _taken(self, batch: list[FeatureVector]) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", next(self.ports), timeout=5)
        body = b"".join(to_json(each) + b"\n" for each in batch)
        try:
            connection.request("POST", PATH, body=body, headers={"Content-Type": CONTENT_TYPE})
            response = connection.getresponse()
            report = json.loads(response.read())
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if response.status == 503:
            assert response.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
            self.turned_away += 1
            return False
        assert response.status == 200, report
        assert report["written"] + report["repeated"] == len(batch)
        return True


def keys_in_history(store: Store) -> Counter[WindowKey]:
    with shared(readers_lock(store)):
        table = ds.dataset(store.history, format="parquet").to_table(columns=["node", "domain", "window_start_ns"])
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_that_was_acknowledged_and_double_nothing(tmp_path: Path) -> None:
    over = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.feature_repo.killed_server", str(tmp_path), str(LIVES), str(LIFE_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        store = open_store(tmp_path)
        senders = [Sender(f"node-{number}", [port], over) for number in range(4)]
        for sender in senders:
            sender.start()
        ended = threading.Thread(target=server.stdout.readline)
        ended.start()
        while ended.is_alive():
            before = sum(len(sender.acknowledged) for sender in senders)
            found = keys_in_history(store)
            assert found.total() == len(found) >= before
            ended.join(timeout=0.2)
        over.set()
        for sender in senders:
            sender.join()
        server.communicate("\n")
    sent = [each for sender in senders for each in sender.acknowledged]
    stored = from_rows(ds.dataset(store.history, format="parquet").to_table())
    assert Counter(stored) == Counter(sent)
    assert sum(sender.attempts for sender in senders) > LIVES / 2
    assert len(sent) > 2 * LIVES
    for sender in senders:
        assert latest_vectors(store, [(sender.node, "socket0")]) == (sender.acknowledged[-2],)
    assert not (store.directory / "damaged").exists()
    assert len(list(store.history.rglob("*.parquet"))) < len(sent) / 8
