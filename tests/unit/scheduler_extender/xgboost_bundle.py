"""A bundle whose interference graphs XGBoost has learnt and onnxmltools converted, as the pipelines' are."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xgboost
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from contracts.bundle import BoundCalibration, ColumnRange, Graph, GraphRole, Manifest, Tensor
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.vector import FloatArray
from serving.bundle_directory import write_bundle
from serving.interference_row import INTERFERENCE_COLUMNS, PRESSURE_COLUMNS, RISING_COLUMNS, column_index
from tests.unit.scheduler_extender.small_cluster import KNOWN_PROFILES

QUANTILES = (0.5, 0.9)
CEILING = 8.0
MAKES_IT_WORSE = (
    "domain.dram_utilisation",
    "domain.llc_occupancy_share",
    "others.highest.membw",
    "others.second.membw",
)


def invented_rows(count: int) -> tuple[FloatArray, FloatArray]:
    """Rows, and the logarithms of slowdowns that rise with memory pressure and the victim's sensitivity to it."""
    random = np.random.default_rng(7)
    maxima = np.ones(len(INTERFERENCE_COLUMNS))
    maxima[: len(FEATURE_SCHEMA_V1)] = [spec.maximum for spec in FEATURE_SCHEMA_V1.features]
    rows = random.uniform(0.0, maxima, size=(count, len(INTERFERENCE_COLUMNS)))
    rows[:, column_index(["others.count"])] = random.integers(0, 8, size=(count, 1))
    pressure = rows[:, column_index(MAKES_IT_WORSE)].mean(axis=1)
    sensitivity = rows[:, column_index(["victim.sensitivity.membw"])][:, 0]
    logs = 1.2 * pressure * (0.5 + sensitivity) * random.uniform(0.8, 1.2, size=count)
    return rows.astype(np.float32), logs.astype(np.float32)


def quantile_graph(quantile: float, *, seed: int, trees: int = 40) -> bytes:
    """One quantile, monotone in everything that is pressure."""
    rows, logs = invented_rows(1500)
    model = xgboost.XGBRegressor(
        objective="reg:quantileerror",
        quantile_alpha=quantile,
        n_estimators=trees,
        max_depth=3,
        learning_rate=0.2,
        tree_method="exact",  # the others refresh a quantile's leaves afterwards, and lose monotony
        monotone_constraints=tuple(int(name in RISING_COLUMNS) for name in INTERFERENCE_COLUMNS),
        random_state=seed,
        n_jobs=1,
    )
    model.fit(rows, logs)
    graph = convert_xgboost(
        model, initial_types=[("input", FloatTensorType([None, len(INTERFERENCE_COLUMNS)]))], target_opset=15
    )
    return bytes(graph.SerializeToString())


def graph_files(*, seed: int, trees: int = 40) -> dict[str, bytes]:
    """The bundle's graphs by file name."""
    return {
        f"slowdown-q{quantile * 100:.0f}.onnx": quantile_graph(quantile, seed=seed, trees=trees)
        for quantile in QUANTILES
    }


def described(version: str, *, log_margin: float = 0.1) -> Manifest:
    """The manifest of such a bundle."""
    return Manifest(
        name="leeward",
        version=version,
        created=datetime(2026, 1, 2, tzinfo=UTC),
        simulated=True,
        training_data="sha256:" + "2" * 64,
        training_groups=("a", "b", "c", "d"),
        graphs=tuple(
            Graph(
                file=f"slowdown-q{quantile * 100:.0f}.onnx",
                role=GraphRole.INTERFERENCE,
                quantile=quantile,
                input=Tensor(name="input", shape=(None, len(INTERFERENCE_COLUMNS))),
                columns=INTERFERENCE_COLUMNS,
                output=Tensor(name="variable", shape=(None, 1)),
            )
            for quantile in QUANTILES
        ),
        bound_calibrations=tuple(
            BoundCalibration(tier=tier, rate=0.8, groups=4, supported_rate=0.8, log_margin=log_margin + extra)
            for tier, extra in ((Tier.COUNTERS, 0.1), (Tier.PROBED, 0.0))
        ),
        ceiling=CEILING,
        pressure_ranges=tuple(
            ColumnRange(column=name, minimum=0.0, maximum=8.0 if name == "others.count" else 1.0)
            for name in PRESSURE_COLUMNS
        ),
    )


def write(directory: Path, graphs: dict[str, bytes], *, version: str, log_margin: float = 0.1) -> str:
    """Write a bundle, and say its digest."""
    manifest = described(version, log_margin=log_margin)
    return write_bundle(directory, manifest=manifest, graphs=graphs, profiles=KNOWN_PROFILES)
