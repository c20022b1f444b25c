"""One window, judged: its vectors, and the NodeState that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.regime import RegimePredictor, assess
from agent.settings import AgentSettings
from agent.sources.protocol import Reading
from agent.state import node_state
from agent.topology import Topology
from agent.window import rows_left_out, vectors_between
from contracts.nodestate import Condition, Coverage, NodeState, Status
from contracts.vector import FeatureVector


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWindow:
    """What one window showed.

    Attributes:
        vectors: one a domain, in the topology's order.
        state: the same, with regimes, coverage and conditions.
    """

    vectors: tuple[FeatureVector, ...]
    state: NodeState

    @property
    def status(self) -> Status:
        """The state's status, which a judged window always has."""
        assert self.state.status is not None
        return self.state.status


def judge_window(
    first: Reading,
    last: Reading,
    *,
    topology: Topology,
    settings: AgentSettings,
    coverage: Coverage,
    now: datetime,
    predictor: RegimePredictor | None = None,
    bundle_digest: str | None = None,
    previous: Sequence[Condition] = (),
) -> JudgedWindow:
    """Turn two readings into vectors, regimes and a NodeState.

    Args:
        first, last: readings of the same sources, in the order of time.
        topology: the node's domains.
        settings: node name and minimum running share.
        coverage: what could be opened.
        now: the heartbeat, UTC.
        predictor, bundle_digest: the regime model and its bundle, if there is one.
        previous: the conditions of the window before.

    Raises:
        WindowError: ``last`` is not later than ``first``.
    """
    share = settings.minimum_running_share
    vectors = vectors_between(first, last, node=settings.node, topology=topology, minimum_running_share=share)
    assessments = [assess(vector, characterised=topology.characterised, predictor=predictor) for vector in vectors]
    state = node_state(
        node=settings.node,
        topology=topology,
        vectors=vectors,
        assessments=assessments,
        coverage=coverage,
        now=now,
        rows_left_out=rows_left_out(first, last, minimum_running_share=share),
        bundle_digest=bundle_digest,
        previous=previous,
    )
    return JudgedWindow(vectors=vectors, state=state)
