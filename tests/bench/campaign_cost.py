"""What a campaign takes: rows a second, and the most memory, by how many mixes and nodes it has.

``python -m tests.bench.campaign_cost`` prints the tables of ``docs/benchmarks.md``. Each campaign runs in a process of
its own, into a directory, unit by unit, as ``leeward campaign run`` does before it writes to the feature store.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from eval.campaign import CampaignSettings, run_into
from eval.campaign.settings import small_settings
from tests.bench.own_process import imported_mib, in_its_own_process, peak_mib

SIZES: Mapping[str, CampaignSettings] = {"small": small_settings(seed=1), "whole": CampaignSettings()}
"""What takes part: a dozen workloads at two intensities, or all of them at four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCost:
    """What one campaign took.

    Attributes:
        rows, vectors: that it measured.
        seconds: from its plan to its last unit.
        imported_mib, peak_mib: memory when all was imported, and at the most.
        disk_bytes: of all that it left.
    """

    rows: int
    vectors: int
    seconds: float
    imported_mib: float
    peak_mib: float
    disk_bytes: int


def measured(settings: CampaignSettings, traces: Path) -> CampaignCost:
    """Run a campaign into a directory of traces, in this process."""
    imported, began = imported_mib(), time.monotonic()
    done = run_into(traces, settings).measured
    seconds = time.monotonic() - began
    return CampaignCost(
        rows=done.rows,
        vectors=done.vectors,
        seconds=seconds,
        imported_mib=imported,
        peak_mib=peak_mib(),
        disk_bytes=sum(file.stat().st_size for file in traces.rglob("*") if file.is_file()),
    )


def main() -> None:
    """Print a table by mixes, one by nodes, and the campaign of whom nobody said how large it is to be."""
    small, whole = SIZES["small"], SIZES["whole"]
    print(_table("mixes", {mixes: _by_itself("small", mixes, small.nodes) for mixes in (50, 200, 800, 3200)}))
    print()
    print(_table("nodes", {nodes: _by_itself("small", 200, nodes) for nodes in (4, 16, 64, 256)}))
    print()
    print(_table("workloads", {len(whole.workloads): _by_itself("whole", whole.mixes, whole.nodes)}))


def _by_itself(size: str, mixes: int, nodes: int) -> CampaignCost:
    with tempfile.TemporaryDirectory() as traces:
        return CampaignCost(**in_its_own_process("tests.bench.campaign_cost", traces, size, mixes, nodes))


def _table(what: str, costs: Mapping[int, CampaignCost]) -> str:
    lines = [f"| {what} | rows | vectors | seconds | rows/s | imports, MiB | at the most, MiB | on disk, MB |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    lines += [
        f"| {count:,} | {cost.rows:,} | {cost.vectors:,} | {cost.seconds:.0f} | {cost.rows / cost.seconds:.0f} "
        f"| {cost.imported_mib:.0f} | {cost.peak_mib:.0f} | {cost.disk_bytes / 1e6:.1f} |"
        for count, cost in costs.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        directory, its_size, its_mixes, its_nodes = sys.argv[1:]
        its_settings = replace(SIZES[its_size], mixes=int(its_mixes), nodes=int(its_nodes))
        print(json.dumps(asdict(measured(its_settings, Path(directory)))))
    else:
        started = time.monotonic()
        main()
        print(f"\n{time.monotonic() - started:.0f} s in all")
