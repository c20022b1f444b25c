import pytest

from eval.testbed.cores import CoreMap, CpuPolicy
from eval.testbed.errors import PlacementError


def full_cores() -> CoreMap:
    return CoreMap(cores=4, threads_per_core=2, policy=CpuPolicy.FULL_CORES)


def across_cores() -> CoreMap:
    return CoreMap(cores=4, threads_per_core=2, policy=CpuPolicy.ACROSS_CORES)


def test_whole_cores_leave_no_sibling() -> None:
    cores = full_cores()
    cores.take("a", 2)
    cores.take("b", 2)
    assert cores.free == 0
    assert cores.sibling_owners("a") == {}
    with pytest.raises(PlacementError, match="c wants 1 cores and 0 are free: remove someone first"):
        cores.take("c", 1)


def test_released_cores_are_free_again() -> None:
    cores = full_cores()
    taken = cores.take("a", 3)
    cores.release("a")
    assert cores.free == 4
    assert cores.take("b", 3) == taken


def test_threads_are_shared_only_when_every_core_has_an_occupant() -> None:
    cores = across_cores()
    cores.take("a", 2)
    cores.take("b", 2)
    assert cores.sibling_owners("a") == {}
    cores.take("c", 3)
    assert cores.sibling_owners("a") == {"c": 1.0}
    assert cores.sibling_owners("b") == {"c": 0.5}
    assert cores.sibling_owners("c") == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}
    assert cores.free == 1


def test_an_occupant_shares_a_core_with_itself_only_where_nothing_else_is_left() -> None:
    cores = across_cores()
    cores.take("a", 3)
    cores.take("b", 2)
    assert cores.sibling_owners("b") == {"a": 0.5}
    cores.release("a")
    cores.take("c", 6)
    assert cores.sibling_owners("c") == {"b": pytest.approx(2 / 6), "c": pytest.approx(4 / 6)}


def test_second_threads_go_to_a_process_of_the_host() -> None:
    cores = full_cores()
    cores.take("a", 3)
    cores.take("stressor", 0)
    assert cores.sibling_owners("a") == {"stressor": 1.0}
    assert cores.sibling_owners("stressor") == {"a": 0.75}
    assert cores.free == 1
    cores.take("b", 1)
    assert cores.sibling_owners("b") == {"stressor": 1.0}


def test_without_smt_there_is_no_second_thread() -> None:
    cores = CoreMap(cores=4, threads_per_core=1, policy=CpuPolicy.FULL_CORES)
    with pytest.raises(PlacementError, match="no SMT, or is full"):
        cores.take("stressor", 0)
