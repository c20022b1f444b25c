import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sources.interruptions import CpuSets, affordable_groups, interruptions_a_second
from contracts.nodestate import IsolatedCpuPolicy

policies = st.sampled_from(IsolatedCpuPolicy)
counts = st.integers(0, 512)
seconds = st.floats(0.1, 60.0)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (IsolatedCpuPolicy.NEVER, 24 * 6 / 10),
        (IsolatedCpuPolicy.SAMPLED, (24 * 6 + 200) / 10),
        (IsolatedCpuPolicy.FULL, (24 + 200) * 6 / 10 + 2 * 200),
    ],
)
def test_what_each_policy_costs_a_node_of_224_cpus(policy: IsolatedCpuPolicy, expected: float) -> None:
    cpus = CpuSets(shared=24, isolated=200, policy=policy)
    assert interruptions_a_second(6, cpus=cpus, period_seconds=1.0, window_seconds=10.0) == pytest.approx(expected)


cpu_sets = st.builds(CpuSets, shared=counts, isolated=counts, policy=policies)


@given(cpus=cpu_sets, groups=st.integers(0, 12), period=seconds, window=seconds)
def test_what_is_affordable_keeps_to_the_ceiling_and_one_more_would_not(
    cpus: CpuSets, groups: int, period: float, window: float
) -> None:
    def cost(number: int) -> float:
        return interruptions_a_second(number, cpus=cpus, period_seconds=period, window_seconds=window)

    ceiling = cost(groups) * 0.5
    kept = affordable_groups(groups, ceiling_a_second=ceiling, cpus=cpus, period_seconds=period, window_seconds=window)
    assert 0 <= kept <= groups
    assert kept == 0 or cost(kept) <= ceiling
    assert kept == groups or cost(kept + 1) > ceiling


@given(shared=counts, isolated=counts, groups=st.integers(0, 12))
def test_a_policy_that_counts_less_costs_no_more(shared: int, isolated: int, groups: int) -> None:
    never, sampled, full = (
        interruptions_a_second(
            groups,
            cpus=CpuSets(shared=shared, isolated=isolated, policy=policy),
            period_seconds=1.0,
            window_seconds=10.0,
        )
        for policy in (IsolatedCpuPolicy.NEVER, IsolatedCpuPolicy.SAMPLED, IsolatedCpuPolicy.FULL)
    )
    assert never <= sampled <= full
