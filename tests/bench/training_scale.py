"""Time and memory of a training's fits against its rows, by this process and on Dask.

    python -m tests.bench.training_scale [--most 1e7] [--trees 20]

prints the table of ``docs/training.md``. Rows are fabricated. Each measurement is a process of its own; on Dask memory
is that of both workers, the scheduler and the client together. ``local`` and ``dask`` make the same arrays from the
same Parquet table, a partition at a time; ``steps`` makes them as the pipeline's steps do, of an object a row. Fits
have few trees, since what they cost is linear in them.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, Future, wait
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.trace_arrow import arrow_schema
from contracts.vector import FloatArray
from pipelines.boosting import Ensemble, FitRows, boosted_here
from pipelines.dask_boosting import fitted_on
from pipelines.dask_workers import with_all_workers
from pipelines.dataset import PROFILES_FILE, TRACES_FILE, read_dataset
from pipelines.engine import Engine, EngineName, client_of
from pipelines.interference_rows import interference_rows
from pipelines.interference_training import quantile_ensemble
from pipelines.labels import by_rules
from pipelines.regime_training import axis_ensemble, fit_axis, with_dropped_copies
from pipelines.settings import TrainingSettings
from pipelines.training_data import workload_profiles
from pipelines.tree_inputs import MONOTONE_COUNTERS, TreeInputs
from pipelines.windows import windows_of
from serving.interference_row import KnownWorkload, interference_row, known_workload, worst_pressures_of
from tests.bench.fabricated_rows import ROWS_A_BLOCK, blocks, fabricated_profiles
from tests.bench.own_process import in_its_own_process, peak_mib

STEPS, LOCAL, DASK = WAYS = ("steps", "local", "dask")
SIZES = (
    (STEPS, 10_000),
    (STEPS, 100_000),
    (LOCAL, 10_000),
    (LOCAL, 100_000),
    (LOCAL, 1_000_000),
    (DASK, 100_000),
    (DASK, 1_000_000),
    (DASK, 10_000_000),
)
DISTINCT_ROWS = 100_000
"""Larger tables are so many rows again and again: a fit costs the same were they others."""
AXIS = Axis.TLB
_WIDTH = len(FEATURE_SCHEMA_V1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one size took.

    Attributes:
        way, rows: of what.
        ready_s: from the Parquet table to arrays.
        axis_s, quantile_s: of one ensemble each.
        peak_mib: of all processes together, each at its most.
    """

    way: str
    rows: int
    ready_s: float
    axis_s: float
    quantile_s: float
    peak_mib: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=float, default=1e7)
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--of", nargs=2, metavar=("WAY", "ROWS"), help="measure one size in this process")
    parser.add_argument("--write", nargs=2, metavar=("DIRECTORY", "ROWS"), help="fabricate rows")
    chosen = parser.parse_args()
    if chosen.write:
        write_rows(Path(chosen.write[0]), int(chosen.write[1]))
        print("{}")
        return
    if chosen.of:
        print(json.dumps(asdict(cost_of(chosen.of[0], int(chosen.of[1]), chosen.trees))))
        return
    print("| way | rows | made ready, s | one axis, s | one quantile, s | memory at the most, MiB |")
    print("|---|---|---|---|---|---|", flush=True)
    for way, rows in SIZES:
        if rows <= chosen.most:
            cost = Cost(**in_its_own_process("tests.bench.training_scale", "--trees", chosen.trees, "--of", way, rows))
            print(
                f"| {cost.way} | {cost.rows:,} | {cost.ready_s:.1f} | {cost.axis_s:.1f} | {cost.quantile_s:.1f} "
                f"| {cost.peak_mib:,.0f} |",
                flush=True,
            )


def cost_of(way: str, rows: int, trees: int) -> Cost:
    """Measure one size in this process."""
    default = TrainingSettings()
    few = {
        "regime": default.regime.model_copy(update={"trees": trees}),
        "interference": default.interference.model_copy(update={"trees": trees}),
    }
    settings = default.model_copy(update=few)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        in_its_own_process("tests.bench.training_scale", "--write", place, min(rows, DISTINCT_ROWS))
        if way == STEPS:
            return _by_steps(place, settings)
        if way == LOCAL:
            return _local(place, rows, settings)
        with client_of(Engine(name=EngineName.DASK)) as client:
            return _on_dask(client, place, rows, settings)


def write_rows(directory: Path, rows: int) -> None:
    """Fabricated traces whose slowdowns differ, and their profiles."""
    random = np.random.default_rng(2)
    profiles = fabricated_profiles()
    (directory / PROFILES_FILE).write_bytes(b"".join(profile.to_json() + b"\n" for profile in profiles))
    with pq.ParquetWriter(directory / TRACES_FILE, arrow_schema(), compression="zstd") as traces:
        for block in blocks(rows):
            table = block.traces(profiles)
            together = 10.0 / random.uniform(1.0, 4.0, table.num_rows)
            for name, column in (("together", together), ("slowdown", 10.0 / together)):
                place = table.schema.get_field_index(name)
                field = table.schema.field(name)
                table = table.set_column(place, field, pa.array(column, field.type))
            traces.write_table(table)


def _by_steps(directory: Path, settings: TrainingSettings) -> Cost:
    began = time.monotonic()
    dataset = read_dataset(directory)
    windows = windows_of(dataset.traces)
    rows = interference_rows(dataset, workload_profiles(dataset))
    pressed = by_rules(windows.vectors)[:, AXES.index(AXIS)]
    inputs = TreeInputs.of(rows.matrix)
    ready = time.monotonic()
    fit_axis(windows.vectors, pressed, settings)
    axis = time.monotonic()
    target = rows.log_slowdown
    boosted_here(
        FitRows(matrix=inputs.of_counters(rows.matrix), target=target, weight=np.ones_like(target)),
        _upper(target, settings),
    )
    done = time.monotonic()
    return Cost(
        way=STEPS,
        rows=len(dataset.traces),
        ready_s=ready - began,
        axis_s=axis - ready,
        quantile_s=done - axis,
        peak_mib=peak_mib(),
    )


def _local(directory: Path, rows: int, settings: TrainingSettings) -> Cost:
    began = time.monotonic()
    inputs = _inputs(directory)
    victims = _in_one(_victims(directory, group, inputs) for group in _groups(directory, rows))
    ready = time.monotonic()
    boosted_here(victims, _upper(victims.target, settings))
    quantile = time.monotonic()
    del victims
    windows = _in_one(_windows(directory, group, settings) for group in _groups(directory, rows))
    windows_ready = time.monotonic()
    boosted_here(windows, axis_ensemble(settings))
    done = time.monotonic()
    return Cost(
        way=LOCAL,
        rows=rows,
        ready_s=ready - began + windows_ready - quantile,
        axis_s=done - windows_ready,
        quantile_s=quantile - ready,
        peak_mib=peak_mib(),
    )


def _on_dask(client: Client, directory: Path, rows: int, settings: TrainingSettings) -> Cost:
    began = time.monotonic()
    groups = _groups(directory, rows)
    workers = sorted(client.scheduler_info()["workers"])
    on_worker = [[workers[place % len(workers)]] for place in range(len(groups))]
    inputs = _inputs(directory)
    victims = [
        client.submit(_victims, directory, group, inputs, workers=worker, pure=False)
        for group, worker in zip(groups, on_worker, strict=True)
    ]
    wait(victims)
    targets = np.concatenate(client.gather(client.map(_target, victims, pure=False)))
    ready = time.monotonic()
    _fit(client, victims, _upper(targets, settings))
    quantile = time.monotonic()
    del victims
    windows = [
        client.submit(_windows, directory, group, settings, workers=worker, pure=False)
        for group, worker in zip(groups, on_worker, strict=True)
    ]
    wait(windows)
    windows_ready = time.monotonic()
    _fit(client, windows, axis_ensemble(settings))
    done = time.monotonic()
    return Cost(
        way=DASK,
        rows=rows,
        ready_s=ready - began + windows_ready - quantile,
        axis_s=done - windows_ready,
        quantile_s=quantile - ready,
        peak_mib=peak_mib() + sum(client.run(peak_mib).values()),
    )


def _fit(client: Client, shares: Sequence[Future], ensemble: Ensemble) -> None:
    with_all_workers(client, lambda _: fitted_on(client, shares, ensemble))


def _groups(directory: Path, rows: int) -> Sequence[int]:
    """Which row group of the table each partition is."""
    there = pq.ParquetFile(directory / TRACES_FILE).num_row_groups
    return [place % there for place in range(max(1, rows // ROWS_A_BLOCK))]


def _in_one(partitions: Iterable[FitRows]) -> FitRows:
    parts = list(partitions)
    weights = [part.weight for part in parts if part.weight is not None]
    return FitRows(
        matrix=np.concatenate([part.matrix for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        weight=np.concatenate(weights) if weights else None,
    )


def _upper(targets: NDArray[np.float64], settings: TrainingSettings) -> Ensemble:
    start = float(np.quantile(targets, settings.upper))
    return quantile_ensemble(MONOTONE_COUNTERS, quantile=settings.upper, start=start, settings=settings)


def _windows(directory: Path, group: int, settings: TrainingSettings) -> FitRows:
    """What an axis is fitted on, of one partition; a worker runs it."""
    vectors = _vectors(_table(directory, group), "during")
    pressed = by_rules(vectors)[:, AXES.index(AXIS)]
    labelled = ~np.isnan(pressed)
    return FitRows(
        matrix=with_dropped_copies(vectors[labelled], settings),
        target=np.tile(pressed[labelled], 1 + settings.dropped_copies),
    )


def _victims(directory: Path, group: int, inputs: TreeInputs) -> FitRows:
    """What a quantile is fitted on, of one partition; a worker runs it. No object is made of a row."""
    table = _table(directory, group)
    target = np.log(table.column("slowdown").to_numpy())
    return FitRows(matrix=inputs.of_counters(_rows(directory, table)), target=target, weight=np.ones_like(target))


def _inputs(directory: Path) -> TreeInputs:
    """As all rows say, which are these again and again."""
    there = range(pq.ParquetFile(directory / TRACES_FILE).num_row_groups)
    return TreeInputs.of(np.concatenate([_rows(directory, _table(directory, group)) for group in there]))


def _rows(directory: Path, table: pa.Table) -> FloatArray:
    """Rows of the interference model, float32 ``(n, len(INTERFERENCE_COLUMNS))``."""
    profiles = map(WorkloadProfile.from_json, (directory / PROFILES_FILE).read_bytes().splitlines())
    known = {profile.digest: known_workload(profile) for profile in profiles}
    parties = zip(
        table.column("victim").combine_chunks().field("profile").to_pylist(),
        table.column("co_runners").combine_chunks().flatten().field("profile").to_pylist(),
        strict=True,
    )
    places: dict[tuple[str, str], int] = {}
    place_of = [places.setdefault(pair, len(places)) for pair in parties]
    beside = np.stack([_beside_the_domain(known[victim], [known[other]], known) for victim, other in places])
    return np.hstack([_vectors(table, "before"), beside[place_of]])


def _beside_the_domain(
    victim: KnownWorkload, others: Sequence[KnownWorkload], known: dict[str, KnownWorkload]
) -> FloatArray:
    """The columns of a row that are the same whatever the domain's vector is."""
    row = interference_row(
        before=np.zeros(_WIDTH, dtype=np.float32),
        victim=victim,
        others=others,
        worst_pressures=worst_pressures_of(list(known.values())),
    )
    return row[_WIDTH:]


def _target(share: FitRows) -> NDArray[np.float64]:
    return share.target


def _table(directory: Path, group: int) -> pa.Table:
    return pq.ParquetFile(directory / TRACES_FILE).read_row_group(group)


def _vectors(table: pa.Table, part: str) -> FloatArray:
    flat = table.column(part).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, _WIDTH)


if __name__ == "__main__":
    main()
