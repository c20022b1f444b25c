"""What two aggressors do together follows from neither's effect alone: it is no sum, no maximum and no product.

Pairwise profiles are "limited to only two co-running applications" (Yang, Breslow, Mars and Tang, "Bubble-Flux", ISCA
2013); interference needs terms of interaction (Mishra, Lafferty and Hoffmann, "ESP", ICAC 2017), and several parts of
the memory system contend at once (Manousis et al., "Contention-Aware Performance Prediction For Virtualized Network
Functions", SIGCOMM 2020). The pairs below are the simulator's own; no paper has them.
"""

from dataclasses import dataclass

import pytest

from eval.testbed.scene import Tenant
from tests.unit.eval.testbed.laws.behaviours import CACHE_TAKER, CACHED, STREAMS, UNCACHED, packets
from tests.unit.eval.testbed.laws.beside import slowdown, tenant

VICTIM = tenant(CACHED, 2)
TAKER = tenant(CACHE_TAKER, 4)
HUNGRY = tenant(UNCACHED, 4)
RINGS = tenant(packets(rings=4.0), 4)
STREAMERS = tenant(STREAMS, 8)
HALF_OF_THEM = tenant(STREAMS, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Slowdowns of one victim."""

    first: float
    second: float
    joint: float

    @property
    def sum(self) -> float:
        return self.first + self.second - 1.0

    @property
    def product(self) -> float:
        return self.first * self.second


def together(first: Tenant, second: Tenant, victim: Tenant = VICTIM) -> Together:
    return Together(
        first=slowdown(victim, first), second=slowdown(victim, second), joint=slowdown(victim, first, second)
    )


def test_two_who_take_cache_from_each_other_as_well_do_less_than_the_sum() -> None:
    both = together(TAKER, HUNGRY)
    assert min(both.first, both.second) > 1.15
    assert max(both.first, both.second) + 0.05 < both.joint < both.sum - 0.05
    assert both.joint < both.product - 0.05


def test_one_who_takes_cache_and_one_who_makes_misses_dearer_do_more_than_the_product() -> None:
    both = together(TAKER, STREAMERS)
    assert min(both.first, both.second) > 1.03
    assert both.joint > both.product + 0.1 > both.sum + 0.1


def test_two_that_saturate_the_memory_together_only_do_more_than_the_product() -> None:
    both = together(HALF_OF_THEM, HALF_OF_THEM, tenant(UNCACHED, 2))
    assert both.joint > both.product + 0.05 > both.sum + 0.05


def test_rings_that_leave_a_victim_alone_hurt_it_beside_one_who_takes_its_cache() -> None:
    both = together(TAKER, RINGS)
    assert both.second < 1.2
    assert both.joint > both.product + 0.1


@pytest.mark.parametrize("pair", [(TAKER, HUNGRY), (TAKER, STREAMERS), (TAKER, RINGS)], ids=["below", "above", "rings"])
def test_another_aggressor_never_helps(pair: tuple[Tenant, Tenant]) -> None:
    both = together(*pair)
    assert both.joint > max(both.first, both.second) > 1.0
