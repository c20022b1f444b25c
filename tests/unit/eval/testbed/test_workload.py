from dataclasses import replace

import pytest

from eval.testbed.catalogue import workload
from eval.testbed.errors import TestbedError

ROUTER = workload("router")


def test_who_does_not_forward_serves() -> None:
    assert (ROUTER.exclusive_cores, ROUTER.forwarders, ROUTER.serving) == (3, 2, 1)
    assert workload("batch").serving == workload("batch").exclusive_cores


@pytest.mark.parametrize("forwarders", [-1, 3, 4])
def test_somebody_serves(forwarders: int) -> None:
    with pytest.raises(TestbedError, match=f"router has {forwarders} forwarders of 3 workers: one at least must serve"):
        replace(ROUTER, forwarders=forwarders)


def test_forwarders_forward_and_nobody_else_does() -> None:
    with pytest.raises(TestbedError, match=r"2 forwarders and 0\.0 ns for them to forward an operation: both"):
        replace(ROUTER, behaviour=replace(ROUTER.behaviour, forward_ns=0.0))
    with pytest.raises(TestbedError, match=r"router has 0 forwarders and .* above 0, or neither"):
        replace(ROUTER, forwarders=0)


def test_forwarders_have_time_to_spare() -> None:
    slow = replace(ROUTER.behaviour, forward_ns=600.0)
    with pytest.raises(TestbedError, match="its 2 forwarders need 600 ns for one: give it more forwarders, or less"):
        replace(ROUTER, behaviour=slow)
    assert replace(ROUTER, exclusive_cores=4, forwarders=3, behaviour=slow).serving == 1
