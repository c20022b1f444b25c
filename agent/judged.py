"""One window, judged: its vectors, and the NodeState that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.coverage import coverage_of
from agent.hysteresis import Hysteresis
from agent.pods import UNKNOWN_PLACEMENT, PodPlacement
from agent.regime import RegimePredictor, assess
from agent.settings import AgentSettings
from agent.sources.protocol import Reading
from agent.state import node_state
from agent.topology import Topology
from agent.troubles import Trouble
from agent.window import rows_left_out, vectors_between, window_deltas
from contracts.nodestate import Condition, Coverage, NodeState, Status
from contracts.vector import FeatureVector


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWindow:
    """What one window showed.

    Attributes:
        vectors: one a domain, in the topology's order.
        state: the same, with regimes, coverage and conditions.
        rows_left_out: counter rows that could not be believed.
    """

    vectors: tuple[FeatureVector, ...]
    state: NodeState
    rows_left_out: int = 0

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
    hysteresis: Hysteresis | None = None,
    pods: PodPlacement = UNKNOWN_PLACEMENT,
    troubles: Sequence[Trouble] = (),
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
        hysteresis: how the domains stood in the window before, where windows follow one another.
        pods: where pods live, as far as that can be seen.
        troubles: what else is amiss with the agent.
        previous: the conditions of the window before.

    Raises:
        WindowError: ``last`` is not later than ``first``.
    """
    share = settings.minimum_running_share
    deltas = window_deltas(first, last, minimum_running_share=share)
    vectors = vectors_between(
        first, last, node=settings.node, topology=topology, minimum_running_share=share, deltas=deltas
    )
    assessments = [
        assess(vector, characterised=topology.characterised, predictor=predictor, hysteresis=hysteresis)
        for vector in vectors
    ]
    left_out = rows_left_out(first, last, deltas=deltas)
    state = node_state(
        node=settings.node,
        topology=topology,
        vectors=vectors,
        assessments=assessments,
        coverage=coverage,
        now=now,
        rows_left_out=left_out,
        bundle_digest=bundle_digest,
        pods=pods,
        troubles=troubles,
        previous=previous,
    )
    return JudgedWindow(vectors=vectors, state=state, rows_left_out=left_out)


def unmeasured(node: str, troubles: Sequence[Trouble], *, now: datetime) -> JudgedWindow:
    """What there is to say where it can't even be seen which CPUs a machine has: not ready, and why.

    Args:
        node: the node's name.
        troubles: what is amiss.
        now: the heartbeat, UTC.
    """
    nothing = Topology(vendor="unknown", family=-1, model=-1, stepping=-1, smt=False, domains=())
    state = node_state(
        node=node,
        topology=nothing,
        vectors=(),
        assessments=(),
        coverage=coverage_of(()),
        now=now,
        troubles=troubles,
    )
    return JudgedWindow(vectors=(), state=state)
