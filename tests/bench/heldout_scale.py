"""Time and memory of a held-out evaluation of many rows.

    python -m tests.bench.heldout_scale --rows 1000000

prints one line of a table for ``docs/heldout.md``. Rows are made up: a small world that can be learnt, measured again
and again at later times. Writing them is another process, so that memory is the evaluation's alone.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.trace_arrow import arrow_schema, to_arrow
from eval.heldout.evaluate import FIT_ROWS, evaluate_traces
from eval.heldout.page import held_out_page
from eval.heldout.traces import traces_in
from pipelines.dataset import PROFILES_FILE, TRACES_FILE
from tests.bench.own_process import in_its_own_process, peak_mib
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

DISTINCT_MIXES = 4_000
_LATER_NS = 10**15
"""More than all distinct windows take."""


def main() -> None:
    """Print the line, and when each part of the work began."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--fit-rows", type=int, default=FIT_ROWS)
    parser.add_argument("--write", type=Path, help="make rows up, in this directory")
    chosen = parser.parse_args()
    if chosen.write:
        write_rows(chosen.write, chosen.rows)
        print(json.dumps({}))
        return
    with tempfile.TemporaryDirectory() as directory:
        in_its_own_process("tests.bench.heldout_scale", "--rows", chosen.rows, "--write", directory)
        began = time.monotonic()

        def told(what: str, _: float) -> None:
            print(f"{time.monotonic() - began:7.1f} s  {peak_mib():6,.0f} MiB  {what}", flush=True)

        report = evaluate_traces(traces_in(Path(directory)), progress=told, fit_rows=chosen.fit_rows)
        held_out_page(report)
        seconds = time.monotonic() - began
    print("| rows | fitted on | groups | windows judged | time, s | memory at the most, MiB |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {report.rows:,} | {report.fitted_rows:,} | {len(report.groups)} | {report.windows:,} | {seconds:,.0f} "
        f"| {peak_mib():,.0f} |"
    )


def write_rows(directory: Path, rows: int) -> None:
    """So many rows, and the profiles that they name."""
    dataset = synthetic_dataset(groups=12, mixes=min(DISTINCT_MIXES, rows), seed=4)
    (directory / PROFILES_FILE).write_bytes(b"".join(profile.to_json() + b"\n" for profile in dataset.profiles))
    distinct = to_arrow(dataset.traces)
    place = distinct.schema.get_field_index("window_start_ns")
    field = distinct.schema.field(place)
    written = 0
    with pq.ParquetWriter(directory / TRACES_FILE, arrow_schema(), compression="zstd") as sink:
        while written < rows:
            part = distinct.slice(0, min(distinct.num_rows, rows - written))
            later = pc.add(part.column(place), written // distinct.num_rows * _LATER_NS)
            sink.write_table(part.set_column(place, field, later.cast(field.type)))
            written += part.num_rows


if __name__ == "__main__":
    main()
