import pickle
from dataclasses import replace

from eval.testbed.catalogue import WORKLOADS, workload
from eval.testbed.housekeeping import HOUSEKEEPERS
from eval.testbed.scene import Scene


def test_what_is_equal_has_one_hash_and_what_is_replaced_another() -> None:
    behaviour = workload("udr").behaviour
    hash(behaviour)
    same, other = replace(behaviour), replace(behaviour, compute_ns=behaviour.compute_ns + 1.0)
    assert (same, hash(same)) == (behaviour, hash(behaviour))
    assert other != behaviour
    assert hash(other) != hash(behaviour)


def test_all_workloads_differ() -> None:
    assert len({hash(known.behaviour) for known in WORKLOADS}) == len({known.behaviour for known in WORKLOADS})


def test_a_pickled_scene_is_found_where_the_scene_was_kept() -> None:
    scene = Scene(tenants=(workload("udr").tenant(socket=0, threads=2), *HOUSEKEEPERS))
    kept = {scene: "kept"}
    assert kept[pickle.loads(pickle.dumps(scene))] == "kept"
