import errno
import mmap
import os
import time

import pytest

from agent.settings import Roots
from agent.sources.kernel import OWN_THREAD
from agent.sources.software import CLOCKS, OWN_THREAD_EVENTS, SOFTWARE_EVENTS, SoftwareCounters, SoftwareWindow
from agent.topology import Domain, Topology
from agent.topology_sysfs import read_topology
from tests.unit.agent.fake_kernel import FakeKernel

TWO_CPUS = Topology(
    vendor="GenuineIntel",
    family=6,
    model=143,
    stepping=8,
    smt=False,
    domains=(Domain(name="socket0", socket=0, cpus=(0, 1)),),
)


def test_the_real_kernel_counts_something() -> None:
    """On all CPUs where that is allowed, else on this thread."""
    software = SoftwareCounters(topology=read_topology(Roots()))
    software.open()
    with mmap.mmap(-1, 16 << 20) as never_touched:
        never_touched.write(os.urandom(1) * len(never_touched))
    time.sleep(0.02)
    window = software.window()
    software.close()
    if window.missing and not window.counts:
        pytest.skip(f"the kernel refuses even this thread's own counters: {window.missing[0].errno}")
    assert set(window.counts) == set(SOFTWARE_EVENTS if window.cpus else OWN_THREAD_EVENTS)
    assert window.counts["page-faults"] > 0
    assert sum(count for event, count in window.counts.items() if event in CLOCKS) > 1_000_000


def test_counts_are_since_open_and_over_all_cpus() -> None:
    fake = FakeKernel(rate=lambda counter: counter.config)
    software = SoftwareCounters(topology=TWO_CPUS, kernel=fake.kernel)
    software.open()
    fake.advance(100)
    window = software.window()
    assert window.cpus == 2
    assert window.counts == dict(zip(SOFTWARE_EVENTS, (0, 600, 800, 400, 1000, 1200), strict=True))
    software.close()
    software.close()
    assert fake.open_counters == {}


def test_a_cpu_that_vanishes_leaves_the_sum() -> None:
    fake = FakeKernel(rate=lambda counter: 1.0)
    software = SoftwareCounters(topology=TWO_CPUS, kernel=fake.kernel)
    software.open()
    fake.unreadable = {fake.groups_on(1)[0][0].fd}
    fake.advance(100)
    window = software.window()
    assert (window.cpus, window.counts["page-faults"]) == (1, 100)


def test_no_cpu_left_to_read_is_no_count_of_zero() -> None:
    fake = FakeKernel(rate=lambda counter: 1.0)
    software = SoftwareCounters(topology=TWO_CPUS, kernel=fake.kernel)
    software.open()
    fake.unreadable = {fake.groups_on(cpu)[0][0].fd for cpu in (0, 1)}
    assert software.window() == SoftwareWindow(counts={}, cpus=0)


def test_who_may_not_count_cpus_counts_its_own_thread() -> None:
    fake = FakeKernel(
        rate=lambda counter: counter.config, refuse=lambda counter: 0 if counter.cpu == OWN_THREAD else errno.EACCES
    )
    software = SoftwareCounters(topology=TWO_CPUS, kernel=fake.kernel)
    software.open()
    fake.advance(10)
    window = software.window()
    assert (window.cpus, window.counts) == (0, dict(zip(OWN_THREAD_EVENTS, (10, 20, 50, 60), strict=True)))
    assert {entry.event for entry in window.missing} == set(SOFTWARE_EVENTS)
    software.close()
    assert fake.open_counters == {}


def test_a_refusal_is_told() -> None:
    fake = FakeKernel(refuse=lambda counter: errno.EACCES)
    software = SoftwareCounters(topology=TWO_CPUS, kernel=fake.kernel)
    software.open()
    window = software.window()
    assert (window.cpus, window.counts) == (0, {})
    assert [entry.event for entry in window.missing] == sorted(SOFTWARE_EVENTS)
    assert {entry.errno for entry in window.missing} == {"EACCES"}
