import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from feature_repo.history import latest_vectors
from feature_repo.ingest import Ingest
from feature_repo.rows import from_rows
from feature_repo.store import open_store
from tests.unit.feature_repo.vectors import vector

_ROOT = Path(__file__).parents[3]
_SENDER = """
import sys
from pathlib import Path
from feature_repo.ingest import Ingest
from feature_repo.store import open_store
from tests.unit.feature_repo.vectors import vector

ingest = Ingest(open_store(Path(sys.argv[1])))
for start in range(0, 100_000, 10):
    ingest.accept([vector(start), vector(start, domain="socket1")])
    print(start, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_sigkill_and_the_rest_can_be_sent_again(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SENDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    ) as sender:
        assert sender.stdout is not None
        acknowledged = [int(next(sender.stdout)) for _ in range(40)]
        sender.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in sender.stdout]
    store = open_store(tmp_path)
    batch = [vector(start, domain=domain) for start in range(0, 1000, 10) for domain in ("socket0", "socket1")]
    report = Ingest(store).accept(batch)
    assert report.repeated >= 2 * len(acknowledged)
    assert report.written + report.repeated == len(batch)
    assert Counter(from_rows(ds.dataset(store.history, format="parquet").to_table())) == Counter(batch)
    assert latest_vectors(store, [("node-a", "socket0")]) == (vector(990),)
