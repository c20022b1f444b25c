"""What each graph of a bundle takes and gives, in MLflow's own form: ``mlflow.models.ModelSignature``.

A bundle is no flavour of MLflow, which would load it in Python; its signatures are an artifact of the run beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from contracts.bundle import Graph, Manifest, Tensor

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SIGNATURES_FILE = "signatures.json"
"""By the graph's file."""

_ANY = -1
"""How MLflow writes a dimension that is not fixed."""


def signature_of(graph: Graph) -> ModelSignature:
    """A graph's signature: one float32 tensor in, one out."""
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types import Schema  # noqa: PLC0415

    return ModelSignature(inputs=Schema([_specified(graph.input)]), outputs=Schema([_specified(graph.output)]))


def signatures_of(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """All signatures as JSON, each with the names of its input's columns in order."""
    return {graph.file: {**signature_of(graph).to_dict(), "columns": list(graph.columns)} for graph in manifest.graphs}


def _specified(tensor: Tensor) -> Any:
    from mlflow.types import TensorSpec  # noqa: PLC0415

    shape = tuple(_ANY if size is None else size for size in tensor.shape)
    return TensorSpec(np.dtype(np.float32), shape, tensor.name)
