import errno
from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.event_table import definition
from agent.pmu_sysfs import PmuNode
from agent.sources.dram_clock import DRAM_CLOCK, dram_clock
from tests.unit.agent.fake_kernel import FakeKernel, OpenCounter
from tests.unit.agent.machine_tree import UNCORE_FORMATS

VENDOR = definition(DRAM_CLOCK)
BOX = PmuNode(
    name="uncore_imc_0", type=12, formats=UNCORE_FORMATS, cpus=(0,), kernel_terms={"clockticks": {"event": 1}}
)
BY_VENDOR, BY_KERNEL = 0x101, 0x01


def ticking(*, vendor: float, kernel: float) -> Callable[[OpenCounter], float]:
    return lambda counter: {BY_VENDOR: vendor, BY_KERNEL: kernel}[counter.config]


def kept(fake: FakeKernel, box: PmuNode = BOX) -> dict[str, int]:
    fake.ns_a_read = 5_000
    chosen = dram_clock(VENDOR, box, cpu=0, kernel=fake.kernel)
    assert fake.open_counters == {}
    return dict(chosen.fields)


@pytest.mark.parametrize(
    ("vendor", "kernel", "expected"),
    [(2.4, 1.2, {"event": 1, "umask": 1}), (1.2, 2.4, {"event": 1}), (2.4, 2.4, {"event": 1, "umask": 1})],
    ids=["vendor-faster", "kernel-faster", "alike"],
)
def test_the_faster_clock_is_kept(vendor: float, kernel: float, expected: dict[str, int]) -> None:
    fake = FakeKernel(rate=ticking(vendor=vendor, kernel=kernel))
    assert kept(fake) == expected
    assert fake.reads <= 5, "some ten microseconds are enough"


def test_an_event_that_does_not_count_here_gives_way_to_one_that_does() -> None:
    assert kept(FakeKernel(rate=ticking(vendor=0.0, kernel=2.4))) == {"event": 1}


def test_clocks_that_stand_still_decide_nothing_and_are_not_waited_for() -> None:
    fake = FakeKernel()
    assert kept(fake) == VENDOR.fields
    assert fake.reads == 20


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL])
def test_a_refusal_leaves_the_vendors(number: int) -> None:
    assert kept(FakeKernel(refuse=lambda counter: number)) == VENDOR.fields


def test_an_unreadable_counter_leaves_the_vendors() -> None:
    fake = FakeKernel(rate=ticking(vendor=1.2, kernel=2.4))
    fake.unreadable = set(range(10_000))
    assert kept(fake) == VENDOR.fields


@pytest.mark.parametrize(
    "terms", [{}, {"clockticks": {"event": 1, "umask": 1}}, {"clockticks": {"event": 1, "secret": 1}}], ids=str
)
def test_where_there_is_nothing_to_compare_the_vendors_holds(terms: dict[str, dict[str, int]]) -> None:
    fake = FakeKernel(rate=ticking(vendor=1.2, kernel=2.4))
    assert kept(fake, replace(BOX, kernel_terms=terms)) == VENDOR.fields
    assert fake.reads == 0
