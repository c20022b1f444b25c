"""Model server, ingest with real Feast, and the agent: three programs on loopback, as in a cluster."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from agent.main import SPOOL
from agent.spool import Spool
from agent.troubles import Troubles
from contracts.nodestate import NodeState
from contracts.vector import from_json
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from tests.unit.live_server import eventually
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

pytestmark = pytest.mark.slow

LEEWARD = str(Path(sys.executable).with_name("leeward"))
LIMIT_SECONDS = 120.0
"""For what takes ten seconds, which is how long Feast takes to start, on a machine that has much else to do."""
NODE = "worker-10"
"""It sends for the first time in the second second: nodes are spread over the interval by name."""

Window = tuple[str, str, int, int]
"""Node, domain, start and end in UTC nanoseconds."""


class Program:
    """A command of ``leeward`` in a process of its own; what it says is kept in a file."""

    def __init__(self, said: Path, *arguments: str, **environment: str) -> None:
        self._said = said
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KUBERNETES_", "LEEWARD_", "MLFLOW_", "NODE_NAME"))
        }
        with said.open("w") as standard_error:
            self.process = subprocess.Popen([LEEWARD, *arguments], stderr=standard_error, env={**own, **environment})

    def wait_for(self, name: str) -> dict[str, object]:
        """The first event of that name."""
        eventually(lambda: self.event(name) or self.process.poll() is not None, seconds=LIMIT_SECONDS)
        found = self.event(name)
        assert found is not None, self._said.read_text()
        return found

    def event(self, name: str) -> dict[str, object] | None:
        whole, _, _ = self._said.read_text().rpartition("\n")
        events: list[dict[str, object]] = [json.loads(line) for line in whole.splitlines()]
        return next((event for event in events if event["event"] == name), None)

    def end(self) -> int:
        """Its exit code on SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=LIMIT_SECONDS)


@contextmanager
def program(said: Path, *arguments: str, **environment: str) -> Iterator[Program]:
    started = Program(said, *arguments, **environment)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def promoted(state: Path) -> str:
    """Make a small bundle the champion of a state directory; its digest."""
    made = state.with_name("bundle")
    digest = write_bundle(made, manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    install_champion(state, made, model="leeward", version="1", digest=digest)
    return digest


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def windows_in_history(state: Path) -> set[Window]:
    """What ingest has on disk, in the files that Feast's offline store reads."""
    columns = ["node", "domain", "window_start_ns", "window_length_ns"]
    found: set[Window] = set()
    for file in (state / "features/history").glob("date=*/hour=*/*.parquet"):
        table = pq.ParquetFile(file).read(columns=columns)
        for node, domain, start_ns, length_ns in zip(
            *(table.column(name).to_pylist() for name in columns), strict=True
        ):
            found.add((node, domain, start_ns, start_ns + length_ns))
    return found


def windows_that_wait(state: Path) -> set[Window]:
    """What the agent had not yet sent when it ended."""
    spool = Spool(state / SPOOL, troubles=Troubles())
    encoded = spool.take(count=1 << 20, size_bytes=1 << 30)
    spool.close()
    vectors = [from_json(content) for content in encoded]
    return {(seen.node, seen.domain, seen.window_start_ns, seen.window_end_ns) for seen in vectors}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What three programs left behind.

    Attributes:
        promoted: digest of the model server's champion.
        judged_with: the bundle that the agent's NodeState names.
        before: in history when ingest ended for the first time.
        after: in history at the end.
        waiting: in the agent's spool at the end.
        away_ns: between these UTC nanoseconds no ingest was there.
        exit_codes: by program, on SIGTERM.
    """

    promoted: str
    judged_with: str | None
    before: set[Window]
    after: set[Window]
    waiting: set[Window]
    away_ns: tuple[int, int]
    exit_codes: dict[str, int]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("servers")
    shelf, store, node = folder / "shelf", folder / "store", folder / "node"
    digest = promoted(shelf)
    port = str(free_port())
    loopback = ("--host", "127.0.0.1", "--port")
    take_vectors = ("ingest", "serve", *loopback, port, "--state", str(store))
    with ExitStack() as stack:
        first = stack.enter_context(program(folder / "first.log", *take_vectors))
        models = stack.enter_context(
            program(folder / "models.log", "models", "serve", *loopback, "0", "--state", str(shelf))
        )
        first.wait_for("listening")
        agent = stack.enter_context(
            program(
                folder / "agent.log",
                *("agent", "run", "--node", NODE, "--state", str(node)),
                LEEWARD_AGENT_MODEL_URL=f"http://127.0.0.1:{models.wait_for('listening')['port']}",
                LEEWARD_AGENT_INGEST_URL=f"http://127.0.0.1:{port}",
                LEEWARD_AGENT_SAMPLING_PERIOD_SECONDS="0.05",
                LEEWARD_AGENT_WINDOW_SECONDS="0.1",
                LEEWARD_AGENT_HEARTBEAT_SECONDS="0.5",
            )
        )
        eventually(lambda: bundle_named(node) is not None, seconds=LIMIT_SECONDS)
        judged_with = bundle_named(node)
        eventually(lambda: windows_in_history(store), seconds=LIMIT_SECONDS)
        exit_codes = {"first ingest": first.end()}
        before = windows_in_history(store)
        gone_ns = time.time_ns()
        second = stack.enter_context(program(folder / "second.log", *take_vectors))
        second.wait_for("listening")
        back_ns = time.time_ns()
        eventually(lambda: latest_end_ns(windows_in_history(store)) > back_ns, seconds=LIMIT_SECONDS)
        exit_codes |= {
            name: each.end() for name, each in (("agent", agent), ("second ingest", second), ("models", models))
        }
    return Run(
        promoted=digest,
        judged_with=judged_with,
        before=before,
        after=windows_in_history(store),
        waiting=windows_that_wait(node),
        away_ns=(gone_ns, back_ns),
        exit_codes=exit_codes,
    )


def bundle_named(state: Path) -> str | None:
    """By the agent's NodeState, if there is one."""
    path = state / f"nodestates/{NODE}.json"
    status = NodeState.from_json(path.read_bytes()).status if path.exists() else None
    return status.bundle_digest if status is not None else None


def latest_end_ns(windows: set[Window]) -> int:
    return max((end_ns for *_, end_ns in windows), default=0)


def test_the_agent_judges_with_the_model_servers_model(run: Run) -> None:
    assert run.judged_with == run.promoted


def test_vectors_are_in_history_under_the_nodes_name(run: Run) -> None:
    assert run.before
    assert {node for node, *_ in run.after} == {NODE}


def test_windows_measured_while_ingest_is_away_come_in_afterwards(run: Run) -> None:
    gone_ns, back_ns = run.away_ns
    assert run.before < run.after
    assert [window for window in run.after if gone_ns < window[2] and window[3] < back_ns]


def test_no_window_is_lost_between_the_counters_and_history(run: Run) -> None:
    """What is in history and what still waits make one chain: each window begins in the nanosecond where one ended."""
    windows = run.after | run.waiting
    for domain in {domain for _, domain, *_ in windows}:
        chain = sorted((start_ns, end_ns) for _, of, start_ns, end_ns in windows if of == domain)
        assert len(chain) > 20
        assert [start for start, _ in chain[1:]] == [end for _, end in chain[:-1]]


def test_sigterm_ends_each_program_well(run: Run) -> None:
    assert run.exit_codes == {"first ingest": 0, "agent": 0, "second ingest": 0, "models": 0}
