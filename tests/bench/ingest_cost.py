"""What the ingest endpoint takes and what it costs: vectors a second, how long a sender waits, disk, memory.

``python -m tests.bench.ingest_cost`` prints the tables of ``docs/ingest-api.md``: the real server in a process of its
own, senders in another, so that on a machine of two cores each has one. Vectors are such as agents send: a node has two
domains, a batch holds their windows oldest first, and no batch is sent twice. With ``--profile cluster`` a Postgres and
a Redis of each case's own keep them, on the same cores.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from feature_repo.names import VIEW_NAME
from feature_repo.settings import Profile
from tests.unit.feature_repo.servers import connected, running_servers

SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Senders.

    Attributes:
        vectors: in a batch.
        connections: that send one batch after the other, without a pause.
        seconds: for so long.
        rate: vectors a second that all senders together send at the most; as many as are taken, if 0.
        nodes: that send; as many as there are connections, if 0.
    """

    vectors: int
    connections: int
    seconds: float = SECONDS
    rate: float = 0.0
    nodes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of it, as the senders saw it.

    Attributes:
        vectors: that were acknowledged as written.
        turned_away: batches answered 503.
        seconds: from the first request to the last answer.
        p50_ms, p99_ms: from a batch's first byte to its answer.
    """

    vectors: int
    turned_away: int
    seconds: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the server took for it.

    Attributes:
        taken: what the senders saw.
        cpu_us: processor time of the server for a vector, microseconds.
        peak_mib: its memory at the most.
        disk_bytes: of history, for a vector.
    """

    taken: Taken
    cpu_us: float
    peak_mib: float
    disk_bytes: float

    @property
    def vectors_a_second(self) -> float:
        """That the senders saw taken."""
        return self.taken.vectors / self.taken.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where vectors go.

    Attributes:
        state: the server's state directory, a new one.
        profile: of its store.
        environment: that names the cluster profile's servers.
    """

    state: Path
    profile: Profile
    environment: Mapping[str, str]


@contextmanager
def new_place(profile: Profile) -> Iterator[Place]:
    """One that holds nothing."""
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        if profile is Profile.LOCAL:
            yield Place(state=state, profile=profile, environment={})
        else:
            with running_servers() as environment:
                yield Place(state=state, profile=profile, environment=environment)


@contextmanager
def serving(place: Place) -> Iterator[tuple[int, int]]:
    """The server on a free port; its process and port."""
    told = ["--port", "0", "--profile", place.profile, "--state", str(place.state)]
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "ingest", "serve", *told],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **place.environment},
    ) as server:
        assert server.stderr is not None
        listening = next(json.loads(line) for line in server.stderr if '"listening"' in line)
        try:
            yield server.pid, listening["port"]
        finally:
            server.terminate()


def measure(case: Case, place: Place) -> Cost:
    """Send to a server of its own and see what it takes."""
    with serving(place) as (pid, port):
        before = _cpu_seconds(pid)
        sent = subprocess.run(
            [sys.executable, "-m", "tests.bench.ingest_senders", str(port), json.dumps(asdict(case))],
            capture_output=True,
            text=True,
            check=True,
        )
        taken = Taken(**json.loads(sent.stdout))
        cpu_seconds = _cpu_seconds(pid) - before
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        assert peak is not None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            written = re.search(r'vectors_total\{outcome="written"\} ([\d.]+)', answer.read().decode())
        assert written is not None
        assert float(written[1]) == taken.vectors
    return Cost(
        taken=taken,
        cpu_us=cpu_seconds / taken.vectors * 1e6,
        peak_mib=int(peak[1]) / 1024,
        disk_bytes=history_bytes(place) / taken.vectors,
    )


def history_bytes(place: Place) -> int:
    """On disk, in whole blocks; of a table with its indexes."""
    if place.profile is Profile.CLUSTER:
        with connected(place.environment) as connection:
            row = connection.execute("SELECT pg_total_relation_size(%s::regclass)", (VIEW_NAME,)).fetchone()
        assert row is not None
        assert isinstance(row[0], int)
        return row[0]
    files = (place.state / "features" / "history").glob("date=*/hour=*/*.parquet")
    return sum(file.stat().st_blocks * 512 for file in files)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compact(state: Path) -> None:
    """Merge all of history by the command."""
    command = [sys.executable, "-m", "cli.main", "ingest", "compact", "--state", str(state)]
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Print how much is taken, by batch and connections; then the sustained rate; then what a merge saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=Profile, choices=list(Profile), default=Profile.LOCAL)
    profile: Profile = parser.parse_args().profile
    print("vectors  connections  vectors/s    CPU us    p50 ms    p99 ms  disk B  peak MiB   503")
    for vectors in (2, 20, 512):
        for connections in (1, 8, 64):
            with new_place(profile) as place:
                _print(Case(vectors=vectors, connections=connections), place)
    print("\n5,000 nodes, for twenty seconds, at 1,000 vectors a second and at 10,000:")
    for vectors, connections, rate in ((2, 500, 1000.0), (2, 2000, 10_000.0), (20, 500, 10_000.0), (512, 64, 10_000.0)):
        with new_place(profile) as place:
            case = Case(vectors=vectors, connections=connections, seconds=20.0, rate=rate, nodes=5000)
            cost = _print(case, place)
            if profile is Profile.LOCAL:
                compact(place.state)
                print(f"{'merged:':>64}{history_bytes(place) / cost.taken.vectors:5.0f}")


def _print(case: Case, place: Place) -> Cost:
    cost = measure(case, place)
    taken = cost.taken
    print(
        f"{case.vectors:7}{case.connections:13}{cost.vectors_a_second:11.0f}{cost.cpu_us:10.1f}{taken.p50_ms:10.1f}"
        f"{taken.p99_ms:10.1f}{cost.disk_bytes:8.0f}{cost.peak_mib:10.0f}{taken.turned_away:6}",
        flush=True,
    )
    return cost


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"\n{time.monotonic() - started:.0f} s in all")
