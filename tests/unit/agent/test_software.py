import errno
import os
import time

from agent.settings import Roots
from agent.sources.software import SOFTWARE_EVENTS, SoftwareCounters
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
    software = SoftwareCounters(topology=read_topology(Roots()))
    software.open()
    pages = bytearray(os.urandom(1) * (16 << 20))
    time.sleep(0.02)
    window = software.window()
    software.close()
    assert len(pages) == 16 << 20
    assert window.missing == ()
    assert window.counts["cpu-clock"] > 10_000_000
    assert window.counts["context-switches"] > 0
    assert window.counts["page-faults"] > 0


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


def test_a_refusal_is_told() -> None:
    fake = FakeKernel(refuse=lambda counter: errno.EACCES)
    software = SoftwareCounters(topology=TWO_CPUS, kernel=fake.kernel)
    software.open()
    window = software.window()
    assert (window.cpus, window.counts) == (0, {})
    assert [entry.event for entry in window.missing] == sorted(SOFTWARE_EVENTS)
    assert {entry.errno for entry in window.missing} == {"EACCES"}
