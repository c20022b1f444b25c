"""All sources at once: what they yield together is taken over in one step, between two requests."""

from dataclasses import dataclass

from contracts.nodestate import NodeState
from contracts.profile import WorkloadProfile
from scheduler_extender.node import Node
from scheduler_extender.pod import Pod
from scheduler_extender.sources import NOTHING, Champion, ChampionSource, Changes, Refusal, Source
from serving.errors import BundleError
from serving.observed_workload import ObservedWorkload


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What came since the last time.

    Attributes:
        nodes, node_states, pods, profiles, observed: what changed, and what was refused.
        champion: another one, if there is one.
        champion_refused: why a champion that was named can't be used; empty where none was refused.
    """

    nodes: Changes[Node] = NOTHING
    node_states: Changes[NodeState] = NOTHING
    pods: Changes[Pod] = NOTHING
    profiles: Changes[WorkloadProfile] = NOTHING
    observed: Changes[ObservedWorkload] = NOTHING
    champion: Champion | None = None
    champion_refused: str = ""

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Each file, or other object, that was refused."""
        return (
            *self.nodes.refused,
            *self.node_states.refused,
            *self.pods.refused,
            *self.profiles.refused,
            *self.observed.refused,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The ports of one extender."""

    nodes: Source[Node]
    node_states: Source[NodeState]
    pods: Source[Pod]
    profiles: Source[WorkloadProfile]
    observed: Source[ObservedWorkload]
    champion: ChampionSource

    def news(self) -> News:
        """Ask every source. Pods come before NodeStates, so that who is in a state is known when it is taken over."""
        champion, refused = None, ""
        try:
            champion = self.champion.change()
        except BundleError as error:
            refused = str(error)
        return News(
            profiles=self.profiles.changes(),
            observed=self.observed.changes(),
            pods=self.pods.changes(),
            nodes=self.nodes.changes(),
            node_states=self.node_states.changes(),
            champion=champion,
            champion_refused=refused,
        )
