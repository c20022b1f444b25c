"""A prediction's inputs are what is known before the placement, and the row is the one that serving builds."""

import numpy as np

from contracts.profile import Tier
from contracts.trace import LabelledTrace
from pipelines.dataset import TraceDataset
from pipelines.folds import STRESSOR_GROUP
from pipelines.interference_rows import interference_rows
from pipelines.training_data import workload_profiles
from pipelines.tree_inputs import SENSITIVITIES
from serving.interference_row import interference_row, known_workload, worst_pressures_of


def test_the_vector_during_the_window_does_not_reach_the_model(dataset: TraceDataset) -> None:
    def without_during(trace: LabelledTrace) -> LabelledTrace:
        return trace.model_copy(update={"during": (None,) * len(trace.during)})

    blank = TraceDataset(traces=tuple(map(without_during, dataset.traces)), profiles=dataset.profiles)
    known = workload_profiles(dataset)
    assert np.array_equal(
        interference_rows(dataset, known).matrix, interference_rows(blank, known).matrix, equal_nan=True
    )


def test_the_vector_before_does_reach_it(dataset: TraceDataset) -> None:
    first, *rest = dataset.traces
    changed = first.model_copy(update={"before": tuple(reversed([0.5] * len(first.before)))})
    known = workload_profiles(dataset)
    one, other = (
        interference_rows(TraceDataset(traces=traces, profiles=dataset.profiles), known).matrix
        for traces in (dataset.traces, (changed, *rest))
    )
    assert not np.array_equal(one[0], other[0], equal_nan=True)
    assert np.array_equal(one[2:], other[2:], equal_nan=True)


def test_each_trace_gives_one_row_a_tier_and_serving_would_build_the_same(dataset: TraceDataset) -> None:
    known = workload_profiles(dataset)
    rows = interference_rows(dataset, known)
    worst = worst_pressures_of([known_workload(profile) for profile in known])
    profiles = dataset.profiles_by_digest
    for index, trace in enumerate(dataset.traces[:20]):
        mine = rows.trace == index
        probed, counters = (rows.matrix[mine & rows.of_tier(tier)] for tier in (Tier.PROBED, Tier.COUNTERS))
        served = interference_row(
            before=trace.before_values,
            victim=known_workload(profiles[trace.victim.profile]),
            others=[known_workload(profiles[party.profile]) for party in trace.co_runners],
            worst_pressures=worst,
        )
        assert np.array_equal(probed[0], served, equal_nan=True)
        assert np.isnan(counters[0, SENSITIVITIES]).all()
        same = np.delete(np.arange(len(served)), SENSITIVITIES)
        assert np.array_equal(counters[0, same], served[same], equal_nan=True)


def test_a_stressor_is_no_known_workload(dataset: TraceDataset) -> None:
    keys = {profile.key for profile in workload_profiles(dataset)}
    stressors = {p.key for trace in dataset.traces for p in trace.co_runners if p.group == STRESSOR_GROUP}
    assert stressors
    assert not keys & stressors
