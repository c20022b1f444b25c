"""What the feature store costs: online latencies, materialising, a million rows through the join and the validation.

``python -m tests.bench.feature_store_cost`` prints the tables of ``docs/benchmarks.md``. Rows are fabricated; Redis and
Postgres are real ones, on loopback. What counts memory is a process of its own.
"""

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_repo.compaction import Compaction
from feature_repo.store import open_store
from feature_repo.vector_history import append_rows
from tests.bench.fabricated_rows import blocks, write_traces
from tests.bench.materialised_day import Materialised, materialised
from tests.bench.online_cost import Measured, feature_stores, online_latencies
from tests.bench.own_process import Stretch, in_its_own_process

ROUNDS = 100
DOMAINS_OF_A_DAY = 1000
ROWS = (100_000, 300_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the same rows took."""

    joined: Stretch
    validated: Stretch


def main() -> None:
    """Print all tables."""
    with tempfile.TemporaryDirectory() as directory, feature_stores(Path(directory)) as stores:
        online = {name: online_latencies(store, rounds=ROUNDS) for name, store in stores.items()}
        print(online_table(online), flush=True)
        day = {name: materialised(store, domains=DOMAINS_OF_A_DAY) for name, store in stores.items()}
        print(f"\n{day_table(day)}\n", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        print(rows_table([_rows(Path(directory), size) for size in ROWS]), flush=True)


def _rows(directory: Path, size: int) -> Rows:
    """Fabricate so many rows, and have them joined and validated."""
    state, traces = directory / f"{size}" / "state", directory / f"{size}" / "traces"
    write_traces(traces, size)
    write_history(state, size)
    return Rows(
        joined=Stretch(**in_its_own_process("tests.bench.joined_rows", state, traces)),
        validated=Stretch(**in_its_own_process("tests.bench.validated_rows", traces)),
    )


def online_table(stores: Mapping[str, Measured]) -> str:
    """Latencies by call, a column a store."""
    calls = next(iter(stores.values()))
    rows = [
        [f"`{call}`", str(count), *(str(measured[call, count]) for measured in stores.values())]
        for call, count in calls
    ]
    return _table(["p50 / p99, ms", "vectors", *stores], rows)


def day_table(stores: Mapping[str, Materialised]) -> str:
    """A day of history put online, a row a store."""
    rows = [
        [name, f"{day.rows:,}", f"{day.domains:,}", f"{day.seconds:.1f}", f"{day.rows / day.seconds:,.0f}"]
        for name, day in stores.items()
    ]
    return _table(["materialise", "rows", "domains", "seconds", "rows/s"], rows)


def rows_table(sizes: Sequence[Rows]) -> str:
    """Time and memory by rows, joined and validated."""
    stretches = [("joined", each.joined) for each in sizes] + [("validated", each.validated) for each in sizes]
    rows = [
        [
            what,
            f"{stretch.rows:,}",
            f"{stretch.seconds:.1f}",
            f"{stretch.rows / stretch.seconds:,.0f}",
            f"{stretch.imported_mib:.0f}",
            f"{stretch.peak_mib:.0f}",
        ]
        for what, stretch in stretches
    ]
    return _table(["", "rows", "seconds", "rows/s", "imports, MiB", "at the most, MiB"], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write_history(state: Path, rows: int) -> None:
    """The vectors of so many fabricated rows, as ingest and its merging of files leave them."""
    store = open_store(state)
    for block in blocks(rows):
        append_rows(store, block.vectors().rows())
    Compaction(store).run()


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"\n{time.monotonic() - started:.0f} s in all")
