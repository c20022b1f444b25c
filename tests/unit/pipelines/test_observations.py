"""From labelled traces to what a workload has shown: once each, never of windows that the model was trained on."""

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.profile import Tier, WorkloadProfile
from contracts.slowdown import IndicatorKind, slowdown_of
from contracts.trace import LabelledTrace, Party, Provenance
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.observations import (
    LeftOut,
    forgotten,
    known_observations,
    observations,
    write_observations,
)
from serving.bound_model import BoundModel
from serving.bundle_directory import Bundle, read_bundle, write_bundle
from serving.interference_row import interference_row, known_workload, worst_pressures_of
from serving.observed_bound import MOST_KEPT
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest, profile

MADE = datetime(2026, 3, 1, tzinfo=UTC)
NEW = profile("new", pressure=0.2, sensitivity=2.0)
BLIND = profile("new", pressure=0.2)
BATCH = PROFILES[1]
WINDOW_NS = 10_000_000_000
START_NS = int((MADE - timedelta(days=9)).timestamp()) * 1_000_000_000
LATER = 10 * 8640
"""In windows: after the bundle was made."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Trained on groups a to d."""
    directory = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(directory, manifest=manifest(created=MADE), graphs=graphs(), profiles=PROFILES)
    return read_bundle(directory)


def window(
    number: int,
    together: float = 150.0,
    *,
    known: WorkloadProfile = NEW,
    group: str = "unseen",
    beside: tuple[WorkloadProfile, ...] = (BATCH,),
    **changes: Any,
) -> LabelledTrace:
    """A window of a victim whose latency is 100 alone, beside workloads that came last."""
    slowdown = slowdown_of(IndicatorKind.LATENCY_P99, alone=100.0, together=together)
    vector = (0.1,) * len(known.solo)
    fields = {
        "node": "spr-0001",
        "domain": "socket0",
        "window_start_ns": START_NS + number * WINDOW_NS,
        "window_length_ns": WINDOW_NS,
        "before": vector,
        "during": vector,
        "victim": Party(key=known.key, profile=known.digest, group=group),
        "co_runners": tuple(Party(key=other.key, profile=other.digest, group="b") for other in beside),
        "latest_arrival": beside[-1].key if beside else known.key,
        "victim_arrived_last": not beside,
        "indicator": IndicatorKind.LATENCY_P99,
        "alone": 100.0,
        "together": together,
        "slowdown": slowdown.value,
        "censored": slowdown.censored,
        "provenance": Provenance.OPERATOR,
        "campaign": "production",
        "simulated": True,
    }
    return LabelledTrace.model_validate(fields | changes)


def dataset(*traces: LabelledTrace) -> TraceDataset:
    return TraceDataset(traces=traces, profiles=(NEW, BLIND, *PROFILES))


def test_a_score_is_measured_over_what_was_predicted_before_the_placement(bundle: Bundle) -> None:
    found = observations(bundle, dataset(window(1, 180.0), window(0, 120.0)))
    row = interference_row(
        before=np.full(len(NEW.solo), 0.1, dtype=np.float32),
        victim=known_workload(NEW),
        others=[known_workload(BATCH)],
        worst_pressures=worst_pressures_of([known_workload(known) for known in PROFILES]),
    )
    predicted = BoundModel(bundle).predict(row[None, :], [Tier.PROBED]).upper[0] / math.exp(0.1)
    (new,) = found.workloads
    assert (new.key, new.tier, new.bundle) == ("new", Tier.PROBED, bundle.digest)
    assert new.scores == pytest.approx([math.log(1.2 / predicted), math.log(1.8 / predicted)], abs=1e-6)
    assert new.last_window - new.first_window == timedelta(seconds=10)
    assert not found.left_out


def test_a_starved_window_is_above_every_margin(bundle: Bundle) -> None:
    (new,) = observations(bundle, dataset(window(0, 5000.0), window(1))).workloads
    assert new.own_scores[0] == math.inf
    assert new.own_scores[1] < math.inf


def test_a_window_that_stands_in_two_campaigns_counts_once(bundle: Bundle) -> None:
    once = observations(bundle, dataset(window(0), window(1)))
    twice = observations(bundle, dataset(window(0), window(1), window(0, campaign="again")))
    assert twice == once


def test_two_campaigns_that_contradict_each_other_are_refused(bundle: Bundle) -> None:
    with pytest.raises(DataError, match="campaigns production and again say different things of new"):
        observations(bundle, dataset(window(0), window(0, 190.0, campaign="again")))


def test_windows_that_the_model_may_have_been_trained_on_do_not_count(bundle: Bundle) -> None:
    traces = dataset(window(0, group="a"), window(1, group="a"), window(LATER, 130.0, group="a"))
    found = observations(bundle, traces)
    assert found.left_out == {LeftOut.TRAINED: 2}
    assert [len(each.scores) for each in found.workloads] == [1]
    assert found.workloads[0].first_window > MADE


def test_windows_without_company_or_beyond_training_do_not_count(bundle: Bundle) -> None:
    pressing = profile("pressing", pressure=0.95)
    traces = TraceDataset(
        traces=(window(0, beside=()), window(1, beside=(pressing,)), window(2)), profiles=(NEW, pressing, *PROFILES)
    )
    found = observations(bundle, traces)
    assert found.left_out == {LeftOut.ALONE: 1, LeftOut.BEYOND: 1}
    assert [len(each.scores) for each in found.workloads] == [1]


def test_windows_under_an_earlier_tier_of_profile_do_not_count(bundle: Bundle) -> None:
    found = observations(bundle, dataset(window(0, known=BLIND), window(1, known=BLIND), window(2)))
    assert found.left_out == {LeftOut.TIER: 2}
    assert [(each.tier, len(each.scores)) for each in found.workloads] == [(Tier.PROBED, 1)]


def test_of_one_workload_the_latest_windows_are_kept(bundle: Bundle) -> None:
    traces = [window(number, 110.0 if number < 3 else 120.0) for number in range(MOST_KEPT + 3)]
    found = observations(bundle, dataset(*traces))
    assert found.left_out == {LeftOut.OLD: 3}
    assert len(set(found.workloads[0].scores)) == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(100, 400), min_size=1, max_size=12), st.randoms())
def test_in_which_order_traces_lie_does_not_matter(
    bundle: Bundle, measured: list[float], shuffle: random.Random
) -> None:
    traces = [window(number, together) for number, together in enumerate(measured)]
    ordered = observations(bundle, dataset(*traces))
    shuffle.shuffle(traces)
    assert observations(bundle, dataset(*traces)) == ordered


def test_what_is_written_is_found_and_writing_again_changes_nothing(bundle: Bundle, tmp_path: Path) -> None:
    other = profile("other", pressure=0.3)
    traces = TraceDataset(traces=(window(0), window(1, known=other)), profiles=(NEW, other, *PROFILES))
    found = observations(bundle, traces)
    for _ in range(2):
        write_observations(tmp_path, found)
        assert known_observations(tmp_path, bundle.digest) == found.workloads
    assert len(list((tmp_path / "observed").iterdir())) == 2


def test_files_of_bundles_that_may_serve_again_stay_and_others_go(bundle: Bundle, tmp_path: Path) -> None:
    found = observations(bundle, dataset(window(0)))
    (own,) = found.workloads
    kept, gone = (own.model_copy(update={"bundle": "sha256:" + digit * 64}) for digit in "34")
    (tmp_path / "bundles" / ("3" * 64)).mkdir(parents=True)
    write_observations(tmp_path, found)
    for each in (kept, gone):
        (tmp_path / "observed" / f"{each.name}.json").write_bytes(each.to_json())
    nothing = observations(bundle, dataset(window(0, beside=())))
    write_observations(tmp_path, nothing)
    assert [file.stem for file in (tmp_path / "observed").iterdir()] == [kept.name]


def test_what_would_be_forgotten_is_named(bundle: Bundle) -> None:
    before = observations(bundle, dataset(window(0), window(1))).workloads
    assert forgotten(before, observations(bundle, dataset(window(0), window(1), window(2)))) == ()
    assert forgotten(before, observations(bundle, dataset(window(1)))) == ("new",)
    assert forgotten(before, observations(bundle, dataset(window(1, beside=())))) == ("new",)
    assert forgotten(before, observations(bundle, dataset(window(3, known=BLIND)))) == ()


def test_a_torn_file_is_named(bundle: Bundle, tmp_path: Path) -> None:
    write_observations(tmp_path, observations(bundle, dataset(window(0))))
    (file,) = (tmp_path / "observed").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match="delete it and observe again"):
        known_observations(tmp_path, bundle.digest)
