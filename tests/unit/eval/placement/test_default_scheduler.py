from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from eval.placement.cluster import Resources
from eval.placement.default_scheduler import (
    DefaultPolicy,
    balanced_allocation,
    default_scores,
    least_allocated,
    most_allocated,
    select_host,
)
from eval.placement.leeward import EXTENDER_WEIGHT
from tests.unit.eval.placement.pieces import arrival, cluster_of

ROOT = Path(__file__).parents[4]
NODE = Resources(cpus=10_000, memory_bytes=20_000)
SHARES = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("cpus", "memory", "least", "balanced"),
    [
        (0, 0, 100, 100),
        (3000, 5000, 72, 97),
        (6000, 0, 70, 70),
        (6000, 10_000, 45, 95),
        (10_000, 20_000, 0, 100),
        (11_000, 5000, 37, 62),
    ],
)
def test_scores_worked_out_by_hand(cpus: int, memory: int, least: int, balanced: int) -> None:
    requested = Resources(cpus=cpus, memory_bytes=memory)
    assert (least_allocated(requested, NODE), balanced_allocation(requested, NODE)) == (least, balanced)


@given(SHARES, SHARES, st.integers(0, 2000))
def test_asking_for_more_never_raises_what_is_left(cpus: int, memory: int, more: int) -> None:
    less = least_allocated(Resources(cpus=cpus, memory_bytes=memory), NODE)
    assert 0 <= least_allocated(Resources(cpus=cpus + more, memory_bytes=memory + more), NODE) <= less <= 100


@given(SHARES, SHARES)
def test_what_is_taken_and_what_is_left_are_all_there_is_but_for_rounding(cpus: int, memory: int) -> None:
    requested = Resources(cpus=cpus, memory_bytes=2 * memory)
    assert 98 <= most_allocated(requested, NODE) + least_allocated(requested, NODE) <= 100


@pytest.mark.parametrize(
    ("cpus", "memory", "most"), [(0, 0, 0), (3000, 5000, 27), (10_000, 20_000, 100), (11_000, 5000, 62)]
)
def test_most_allocated_worked_out_by_hand(cpus: int, memory: int, most: int) -> None:
    assert most_allocated(Resources(cpus=cpus, memory_bytes=memory), NODE) == most


def test_packing_chooses_the_fuller_node() -> None:
    cluster = cluster_of("full", "empty")
    cluster.place(arrival("upf-large", uid="resident", gibibytes=48), "full")
    policy = DefaultPolicy(cluster, rng=np.random.default_rng(1), packing=True)
    assert policy.choose(arrival("amf", gibibytes=24), ["full", "empty"]) == "full"


@given(SHARES, SHARES)
def test_balance_is_within_its_scale_and_best_on_the_diagonal(cpus: int, memory: int) -> None:
    own = balanced_allocation(Resources(cpus=cpus, memory_bytes=memory), NODE)
    even = balanced_allocation(Resources(cpus=cpus, memory_bytes=2 * cpus), NODE)
    assert 50 <= own <= even == 100


def test_the_emptier_node_is_chosen() -> None:
    cluster = cluster_of("full", "empty")
    cluster.place(arrival("upf-large", uid="resident"), "full")
    assert DefaultPolicy(cluster, rng=np.random.default_rng(1)).choose(arrival("amf"), ["full", "empty"]) == "empty"
    scores = default_scores(arrival("amf"), ["full", "empty"], cluster)
    assert scores["full"] < scores["empty"] <= 200


def test_ties_are_broken_evenly() -> None:
    rng = np.random.default_rng(5)
    drawn = [select_host({"a": 7, "b": 9, "c": 9, "d": 9}, rng) for _ in range(600)]
    counts = {name: drawn.count(name) for name in "abcd"}
    assert counts["a"] == 0
    assert min(counts[name] for name in "bcd") > 150


def test_the_extender_weighs_what_the_manifests_say() -> None:
    configuration = yaml.safe_load((ROOT / "infra/kustomize/scheduler/scheduler.yaml").read_text())
    assert [extender["weight"] for extender in configuration["extenders"]] == [EXTENDER_WEIGHT]
