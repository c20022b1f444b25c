"""A bundle before it is written: the manifest and its graphs, made from one fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from contracts.axis import Axis
from contracts.bundle import (
    Graph,
    GraphRole,
    HeldOutFigure,
    Library,
    Licence,
    Manifest,
    Tensor,
)
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.slowdown import SLOWDOWN_CEILING
from contracts.vector import ONNX_INPUT_NAME, FloatArray
from pipelines.calibration import axis_calibrations, bound_calibrations
from pipelines.cross_fitting import FittedModels, HeldOut
from pipelines.export import classifier_to_onnx, output_of, quantile_to_onnx
from pipelines.pressure_ranges import pressure_ranges
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.bundle_directory import Bundle, write_bundle
from serving.interference_row import INTERFERENCE_COLUMNS

MODEL_NAME = "leeward"
UNREGISTERED = "unregistered"
"""Version of a bundle that the registry has not numbered yet."""

LICENCE = "Apache-2.0"
LIBRARIES = ("xgboost-cpu", "onnx", "onnxmltools", "onnxruntime", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """What ``write_bundle`` takes."""

    manifest: Manifest
    graphs: Mapping[str, bytes]
    profiles: tuple[WorkloadProfile, ...]

    def write(self, directory: Path) -> str:
        """Write the bundle; returns its digest, raises as ``write_bundle`` does."""
        return write_bundle(directory, manifest=self.manifest, graphs=self.graphs, profiles=self.profiles)

    def in_memory(self) -> Bundle:
        """As serving would have it, for predictions before anything is written."""
        return Bundle(
            digest=f"(in memory, {self.manifest.version})",
            manifest=self.manifest,
            profiles=self.profiles,
            graphs=self.graphs,
        )


def draft_of(
    data: TrainingData,
    fits: Mapping[HeldOut, FittedModels],
    held_out: HeldOut,
    *,
    settings: TrainingSettings,
    created: datetime,
    data_digest: str,
) -> Draft:
    """The bundle of the models that have not seen ``held_out``.

    Raises:
        DataError: the rate can't be calibrated over the groups that are left.
        ExportError: a graph differs from its model.
    """
    rows = data.rows.matrix[data.rows_without(held_out)]
    vectors = data.windows.vectors[data.windows_without(held_out)]
    graphs = _graphs(fits[held_out], rows=rows, vectors=vectors)
    unseen = frozenset().union(*(data.folds.folds[fold] for fold in held_out))
    manifest = Manifest(
        name=MODEL_NAME,
        version=UNREGISTERED,
        created=created,
        simulated=data.dataset.simulated,
        training_data=data_digest,
        training_groups=tuple(sorted(frozenset().union(*data.folds.folds) - unseen)),
        graphs=tuple(_described(graph) for graph in graphs),
        axis_calibrations=axis_calibrations(data, fits, held_out, settings),
        bound_calibrations=bound_calibrations(data, fits, held_out, settings),
        ceiling=SLOWDOWN_CEILING,
        pressure_ranges=pressure_ranges(rows, slack=settings.range_slack),
        licences=(Licence(part="graphs", spdx=LICENCE), Licence(part="profiles", spdx=LICENCE)),
        libraries=tuple(Library(name=name, version=version(name)) for name in LIBRARIES),
    )
    contents = {graph.file: graph.content for graph in graphs}
    return Draft(manifest=manifest, graphs=contents, profiles=data.known)


def with_figures(draft: Draft, figures: Sequence[HeldOutFigure]) -> Draft:
    """The draft with figures of workloads never seen in its manifest."""
    manifest = Manifest.model_validate(draft.manifest.model_dump(by_alias=False) | {"held_out": tuple(figures)})
    return Draft(manifest=manifest, graphs=draft.graphs, profiles=draft.profiles)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ExportedGraph:
    file: str
    content: bytes
    columns: tuple[str, ...]
    axis: Axis | None = None
    quantile: float | None = None


def _graphs(models: FittedModels, *, rows: FloatArray, vectors: FloatArray) -> list[_ExportedGraph]:
    graphs = []
    for axis, classifier in models.axes.items():
        file = f"regime-{axis}.onnx"
        content = classifier_to_onnx(classifier, rows=vectors, name=file)
        graphs.append(_ExportedGraph(file=file, content=content, columns=FEATURE_SCHEMA_V1.names, axis=axis))
    for quantile, model in models.quantiles.items():
        file = f"slowdown-q{round(100 * quantile):02d}.onnx"
        content = quantile_to_onnx(model, rows=rows, name=file)
        graphs.append(_ExportedGraph(file=file, content=content, columns=INTERFERENCE_COLUMNS, quantile=quantile))
    return graphs


def _described(graph: _ExportedGraph) -> Graph:
    return Graph(
        file=graph.file,
        role=GraphRole.REGIME if graph.axis is not None else GraphRole.INTERFERENCE,
        axis=graph.axis,
        quantile=graph.quantile,
        input=Tensor(name=ONNX_INPUT_NAME, shape=(None, len(graph.columns))),
        columns=graph.columns,
        output=output_of(graph.content),
    )
