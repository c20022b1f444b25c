"""Time and memory of a shadow report over all that one extender keeps.

    python -m tests.bench.shadow_scale --files 8 --windows 1000

prints one line of a table for ``docs/shadow.md``. Decisions and outcomes are made up: a week on a hundred nodes, seven
parties a decision, and so many labelled windows an hour.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.shadow import shadow_report
from eval.shadow.page import shadow_page
from scheduler_extender.decisions import DECISIONS, FILE_BYTES, DecisionWriter
from tests.bench.own_process import peak_mib
from tests.unit.eval.shadow.site import BEGAN, decision, party
from tests.unit.eval.watch.site import window

NODES = 100
WORKLOADS = 50
PARTIES = 7
WEEK = timedelta(days=7)
_EPOCH_NS = int(BEGAN.timestamp()) * 1_000_000_000
_HOUR_NS = 3_600 * 1_000_000_000


class MadeUpEvidence:
    """So many windows an hour, made when they are asked for; see ``eval.watch.evidence.Evidence``."""

    def __init__(self, windows: int) -> None:
        self._windows = windows
        self._alike = [window(BEGAN, 100.0 + 10.0 * number) for number in range(8)]
        self.told = 0

    def labels(self, start_ns: int, end_ns: int) -> Sequence[LabelledTrace]:
        """Evenly over nodes and workloads."""
        if not self._windows:
            return []
        every = _HOUR_NS // self._windows
        numbers = range(-(-(start_ns - _EPOCH_NS) // every), (end_ns - _EPOCH_NS) // every + 1)
        rows = [self._row(number, _EPOCH_NS + number * every) for number in numbers if number > 0]
        self.told += len(rows)
        return rows

    def profiles(self, _: Iterable[LabelledTrace]) -> Mapping[str, WorkloadProfile]:
        """Nobody asks."""
        return {}

    def fresh_windows(self, _: int) -> Mapping[str, int]:
        """Nobody asks."""
        return {}

    def _row(self, number: int, end_ns: int) -> LabelledTrace:
        row = self._alike[number % len(self._alike)]
        told = {
            "node": f"node-{number % NODES}",
            "victim": row.victim.model_copy(update={"key": f"workload-{number // NODES % WORKLOADS}"}),
            "window_start_ns": end_ns - row.window_length_ns,
        }
        return row.model_copy(update=told)


def write_decisions(state: Path, files: int) -> int:
    """As many as fill so many files; returns how many."""
    rng = np.random.default_rng(1)
    writer = DecisionWriter(state / DECISIONS)
    size = len(_decision(0, BEGAN, rng))
    count = (files * FILE_BYTES - FILE_BYTES // 8) // size
    for number in range(count):
        writer.write(_decision(number, BEGAN + number * (WEEK / count), rng))
    writer.close()
    return count


def _decision(number: int, at: datetime, rng: np.random.Generator) -> bytes:
    uid = f"{number:08d}-0000-4000-8000-000000000000"
    node, workload = f"node-{number % NODES}", f"workload-{int(rng.integers(WORKLOADS))}"
    residents = (
        party(
            f"{max(number - NODES * place, 0):08d}-0000-4000-8000-000000000000",
            pod=f"core/workload-{place}-{number:08d}",
            workload=f"workload-{int(rng.integers(WORKLOADS))}",
            node=node,
            newcomer=False,
            bound=float(rng.uniform(1.0, 2.0)),
        )
        for place in range(1, PARTIES)
    )
    newcomer = party(uid, pod=f"core/{workload}-{number:08d}", workload=workload, node=node)
    ratio = float(rng.uniform(0.5, 2.0))
    return decision(
        uid,
        decided=at,
        pod=f"core/{workload}-{number:08d}",
        workload=workload,
        node=node,
        score=int(rng.integers(11)),
        ratio=ratio,
        best_ratio=0.8 * ratio,
        best=("node-1", "node-2", "node-3", "node-4", "node-5"),
        parties=(newcomer, *residents),
    ).to_json()


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--windows", type=int, default=1_000, help="labelled windows an hour")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        state, evidence = Path(directory), MadeUpEvidence(chosen.windows)
        write_decisions(state, chosen.files)
        kept = sum(file.stat().st_size for file in (state / DECISIONS).iterdir())
        began = time.monotonic()
        report = shadow_report(state, evidence, now=BEGAN + 2 * WEEK)
        shadow_page(report)
        seconds = time.monotonic() - began
    print("| decisions | MiB of them | bytes each | outcomes | joined | time, s | memory at the most, MiB |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {report.seen.placements:,} | {kept / 2**20:,.0f} | {kept / report.seen.placements:,.0f} "
        f"| {evidence.told:,} | {report.right.windows:,} | {seconds:,.0f} | {peak_mib():,.0f} |"
    )


if __name__ == "__main__":
    main()
