"""One ONNX graph in use: one thread, checked against what the manifest says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_error

from contracts.bundle import Graph
from serving.bundle_directory import Bundle
from serving.errors import BundleError

_FAILURES = (
    ort_error.Fail,
    ort_error.InvalidArgument,
    ort_error.InvalidGraph,
    ort_error.InvalidProtobuf,
    ort_error.NotImplemented,
    ort_error.RuntimeException,
    RuntimeError,
    UnicodeDecodeError,
)
"""What ONNX Runtime raises for a model that it can't load or run; its exceptions share no base of their own. The last
comes where its own message quotes bytes of a damaged graph."""


class LoadedGraph:
    """A graph that answers.

    Args:
        bundle: where it lies.
        graph: what the manifest says of it.
        columns: what this program puts into the input's columns.

    Raises:
        BundleError: ONNX Runtime can't load it, or its input, output or columns are not what is meant.
    """

    def __init__(self, bundle: Bundle, graph: Graph, *, columns: Sequence[str]) -> None:
        where = f"graph {graph.file} of bundle {bundle.digest}"
        if tuple(columns) != graph.columns:
            raise BundleError(f"{where} wants other columns than this program has: upgrade the older of the two")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                bundle.graphs[graph.file], sess_options=options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as error:
            raise BundleError(f"{where} can't be loaded by ONNX Runtime {ort.__version__}: {error}") from error
        inputs = {tensor.name: tensor for tensor in self._session.get_inputs()}
        outputs = {tensor.name for tensor in self._session.get_outputs()}
        if inputs.keys() != {graph.input.name} or graph.output.name not in outputs:
            raise BundleError(f"{where} has inputs {sorted(inputs)} and outputs {sorted(outputs)}, not the manifest's")
        found = inputs[graph.input.name]
        if found.type != "tensor(float)" or found.shape[-1] != len(columns):
            raise BundleError(f"{where} takes {found.type} of shape {found.shape}, not float32 of {len(columns)}")
        self._input, self._output, self._where = graph.input.name, graph.output.name, where
        self._try_two_rows(graph, where)

    def _try_two_rows(self, graph: Graph, where: str) -> None:
        """A graph may load and still fail when it runs: that is found out before it serves."""
        answer = self.run(np.full((2, len(graph.columns)), np.nan, dtype=np.float32))
        width = graph.output.shape[-1]
        meant = (2,) if width == 1 else (2, width)
        if answer.shape != meant or not np.isfinite(answer).all():
            raise BundleError(
                f"{where} answers two rows of missing values with shape {answer.shape}, finite: "
                f"{bool(np.isfinite(answer).all())}; finite numbers of shape {meant} are meant"
            )

    def run(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The graph's output.

        Args:
            rows: float32 ``(n, columns)``, NaN for missing.

        Returns:
            float64 ``(n,)`` for one output a row, else ``(n, outputs)``.

        Raises:
            BundleError: it does not run.
        """
        try:
            (answer,) = self._session.run([self._output], {self._input: rows})
        except _FAILURES as error:
            raise BundleError(f"{self._where} loads but does not run: {error}") from error
        result = np.asarray(answer, dtype=np.float64)
        return result[:, 0] if result.ndim == 2 and result.shape[1] == 1 else result

    def bound_to(self, rows: NDArray[np.float32], answers: NDArray[np.float32]) -> "BoundRun":
        """The graph tied to two arrays.

        Args:
            rows: float32 ``(n, columns)``, contiguous.
            answers: float32 ``(n, outputs)``, contiguous.

        Raises:
            BundleError: the output is not float32 of that shape.
        """
        binding = self._session.io_binding()
        binding.bind_cpu_input(self._input, rows)
        binding.bind_output(self._output, "cpu", 0, np.float32, answers.shape, answers.ctypes.data)
        run = BoundRun(session=self._session, binding=binding, rows=rows, answers=answers, where=self._where)
        run()
        return run


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoundRun:
    """Called, it runs a graph on what ``rows`` then holds and leaves the output in ``answers``.

    Nothing is copied or allocated, which takes a third off what one row costs. Not for several threads at once.
    """

    session: ort.InferenceSession
    binding: ort.IOBinding
    rows: NDArray[np.float32]
    answers: NDArray[np.float32]
    where: str

    def __call__(self) -> None:
        """Run.

        Raises:
            BundleError: it does not, or not with output of that type and shape.
        """
        try:
            self.session.run_with_iobinding(self.binding)
        except _FAILURES as error:
            shape = self.answers.shape
            raise BundleError(f"{self.where} does not answer float32 of shape {shape}: {error}") from error
