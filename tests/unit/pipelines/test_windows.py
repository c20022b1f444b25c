import numpy as np
import pytest

from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.windows import windows_of


def test_victims_of_one_window_share_it(dataset: TraceDataset) -> None:
    windows = windows_of(dataset.traces)
    keys = {(trace.node, trace.domain, trace.window_start_ns) for trace in dataset.traces}
    assert len(windows.traces) == len(keys) < len(dataset.traces)
    for row, trace, vector in zip(windows.row, windows.traces, windows.vectors, strict=True):
        assert dataset.traces[row] is trace
        assert np.array_equal(vector, trace.during_values, equal_nan=True)


def test_rows_of_one_window_that_disagree_are_refused(dataset: TraceDataset) -> None:
    first, second = next(
        (earlier, later)
        for earlier, later in zip(dataset.traces, dataset.traces[1:], strict=False)
        if earlier.during == later.during
    )
    other = second.model_copy(update={"during": second.before})
    with pytest.raises(DataError, match=r"rows 0 and 1 are of one window .* disagree on its vector"):
        windows_of([first, other])
