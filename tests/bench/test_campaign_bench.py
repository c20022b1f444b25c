"""What a campaign on sixteen nodes takes: rows a second, and the most memory, by how many mixes it has.

Each runs in a process of its own, into a directory, part by part, as ``leeward campaign run`` does before it pushes
vectors. ``pytest tests/bench/test_campaign_bench.py -p no:xdist --benchmark-only -s`` prints a line each.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

MEASURED = """
import json, resource, sys, time
from pathlib import Path
import pandas  # which pyarrow imports at first use
from eval.campaign import CampaignSettings, run_into
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
imported, began = peak(), time.monotonic()
measured = run_into(Path(sys.argv[1]), CampaignSettings(mixes=int(sys.argv[2]))).measured
seconds = time.monotonic() - began
print(json.dumps({"rows": measured.rows, "vectors": measured.vectors, "seconds": seconds, "imported": imported,
    "peak": peak()}))
"""


@pytest.mark.parametrize("mixes", [0, 220, 880])
def test_campaign(mixes: int, benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.group = "campaign on sixteen nodes"
    done = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: subprocess.run(
            [sys.executable, "-c", MEASURED, str(tmp_path), str(mixes)], check=True, capture_output=True, text=True
        ),
        rounds=1,
    )
    told = json.loads(done.stdout)
    assert told["rows"] > 0
    disk = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    with capsys.disabled():
        print(
            f"\n{mixes} mixes: {told['rows']} rows in {told['seconds']:.1f} s, "
            f"{told['rows'] / told['seconds']:.0f} rows/s, {told['vectors']} vectors; "
            f"{told['peak']:.0f} MiB at most, of which {told['imported']:.0f} imports; {disk / 1e6:.1f} MB on disk"
        )
