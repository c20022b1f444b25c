import errno

from agent.encoding import Encoding
from agent.sources.counter_groups import open_group
from agent.sources.kernel import OWN_THREAD
from agent.workload.cgroup_kernel import CgroupKernel
from tests.unit.agent.fake_kernel import FakeKernel

CLOCK = Encoding(event="cpu-clock", pmu="software", type=1, config=0)


def cgroup_kernel(fake: FakeKernel, cgroup_fd: int) -> CgroupKernel:
    return CgroupKernel(cgroup_fd, fake._calls, owner=fake)


def test_every_counter_counts_the_cgroup() -> None:
    fake = FakeKernel()
    group = open_group(cgroup_kernel(fake, 77), [CLOCK, CLOCK], cpu=1)
    assert isinstance(group, tuple)
    assert [fake.open_counters[fd].cgroup_fd for fd in group] == [77, 77]


def test_a_cgroup_that_the_caller_names_goes_first() -> None:
    fake = FakeKernel()
    fd = cgroup_kernel(fake, 77).open(CLOCK, cpu=1, cgroup_fd=78)
    assert fake.open_counters[fd].cgroup_fd == 78


def test_the_own_thread_is_not_counted_in_a_pods_place() -> None:
    fake = FakeKernel()
    assert cgroup_kernel(fake, 77).open(CLOCK, cpu=OWN_THREAD) == -errno.EINVAL
    assert fake.open_counters == {}
