"""Any nodes, crowded: what property tests of the equilibrium are run over."""

from hypothesis import strategies as st

from eval.testbed.catalogue import WORKLOADS
from eval.testbed.cores import CpuPolicy
from eval.testbed.errors import PlacementError
from eval.testbed.hardware import ALL_WAYS
from eval.testbed.node import Occupant, SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.stressor import PRESSED_AXES, Stressor

STRESSORS = st.builds(Stressor, axis=st.sampled_from(PRESSED_AXES), intensity=st.floats(0.0, 1.0))
WAYS = st.sampled_from([ALL_WAYS, 0x3, 0xC, 0x1F00, 0x7F80, 0x6000])
"""All of them, disjoint ones, overlapping ones, the devices'."""
OCCUPANTS = st.one_of(st.sampled_from(WORKLOADS), STRESSORS)


def crowded(occupants: list[tuple[Occupant, int]], policy: CpuPolicy) -> SimulatedNode:
    """As many of them as there is room for, each with its ways, on either socket in turn."""
    node = SimulatedNode(name="spr-test", offer=FULL, seed=1, cpu_policy=policy)
    for index, (occupant, ways) in enumerate(occupants):
        try:
            node.place(str(index), occupant, domain=f"socket{index % 2}", ways=ways)
        except PlacementError:
            continue
    return node


def _nodes(ways: st.SearchStrategy[int]) -> st.SearchStrategy[SimulatedNode]:
    occupants = st.lists(st.tuples(OCCUPANTS, ways), min_size=1, max_size=12)
    return st.builds(crowded, occupants, st.sampled_from(CpuPolicy))


NODES = _nodes(st.just(ALL_WAYS))
PARTITIONED_NODES = _nodes(WAYS)
