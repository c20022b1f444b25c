"""The cluster as it was at one moment of a recording: nodes, their states, pods, and what these request."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from contracts.errors import ContractError
from contracts.nodestate import NodeState
from eval.placement.cluster import Resources
from eval.placement.regime_only import regime_score
from eval.placement.threshold import is_busy
from eval.replay.quantity import CPU
from eval.replay.reading import Event
from eval.replay.recorded_node import RecordedNode, has_room_at_all, read_recorded_node
from eval.replay.recorded_pod import MEMORY, PODS, PodSpec, RecordedPod, read_recorded_pod
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from scheduler_extender.errors import ExtenderError, OtherContractError
from scheduler_extender.intake import News
from scheduler_extender.node import Node, parse_node
from scheduler_extender.node_state import read_node_state
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.sources import Change, Changes, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNode:
    """A node as it is now.

    Attributes:
        recorded: what is kept of it.
        allocatable: by resource, in the units of ``eval.replay.quantity``.
        capacity: CPUs, in thousandths, and memory of these.
    """

    recorded: RecordedNode
    allocatable: Mapping[str, int]
    capacity: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownState:
    """A NodeState as it is now, and what policies without a model see in it.

    Attributes:
        state: what the agent published last; ``None`` where nothing was.
        busy: see ``eval.placement.threshold.is_busy``.
        regime_score: see ``eval.placement.regime_only.regime_score``.
    """

    state: NodeState | None
    busy: bool
    regime_score: int


def known_state(state: NodeState | None) -> KnownState:
    """Look at a NodeState once: it is asked about at every placement."""
    return KnownState(state=state, busy=is_busy(state), regime_score=regime_score(state))


NO_STATE = known_state(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPod:
    """A pod as it is now.

    Attributes:
        recorded: what is kept of it.
        pod: what the extender reads of it.
        requests, scored: what it asks for, and what it counts for where nodes are scored; by resource.
    """

    recorded: RecordedPod
    pod: Pod
    requests: Mapping[str, int]
    scored: Mapping[str, int]

    @property
    def counts(self) -> bool:
        """Whether it holds what it requests."""
        return bool(self.pod.node) and not self.pod.finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What an event did.

    Attributes:
        bound: a pod that is bound now and was not before, if there is one.
        witnessed: the recorder looked on; ``False`` of what it found when it began, or began again.
        resumed: it had looked on before.
        ended: UIDs of pods that are gone, or run no more.
    """

    bound: KnownPod | None = None
    witnessed: bool = True
    resumed: bool = False
    ended: tuple[str, ...] = ()


NOTHING = Happened()


@dataclass(slots=True)
class _Listing:
    """What a session found until it had all."""

    session: int = -1
    whole: bool = False
    names: dict[Kind, set[str]] = field(default_factory=dict)

    def begin(self, session: int) -> None:
        self.session, self.whole = session, False
        self.names = {Kind.NODE: set(), Kind.NODE_STATE: set(), Kind.POD: set()}


class World:
    """Takes events over in their order.

    Args:
        troubles: counts what is wrong with them.

    Attributes:
        nodes, pods: by node's name or pod's UID.
    """

    def __init__(self, troubles: Counter[Trouble]) -> None:
        self.nodes: dict[str, KnownNode] = {}
        self.pods: dict[str, KnownPod] = {}
        self._states: dict[str, KnownState] = {}
        self._troubles = troubles
        self._contents: dict[tuple[Kind, str], int] = {}
        self._listing = _Listing()
        self._requested: dict[str, Counter[str]] = {}
        self._scored: dict[str, Counter[str]] = {}
        self._node_news: dict[str, Change[Node]] = {}
        self._pod_news: dict[str, Change[Pod]] = {}
        self._state_news: dict[str, Change[NodeState]] = {}
        self._refused: dict[str, Refusal] = {}

    def take_over(self, event: Event) -> Happened:
        """Let an event count from now on."""
        listing = self._listing
        if event.session != listing.session:
            listing.begin(event.session)
        if event.kind is Kind.WHOLE:
            return self._whole(event)
        if not listing.whole:
            listing.names[event.kind].add(event.name)
        if self._is_known(event):
            return NOTHING
        try:
            match event.kind:
                case Kind.NODE:
                    self._take_node(event)
                case Kind.NODE_STATE:
                    self._take_state(event)
                case Kind.POD:
                    return self._take_pod(event)
        except (ContractError, ExtenderError) as error:
            self._refuse(event, error)
        return NOTHING

    def news(self) -> News:
        """What came since this was last asked, as the extender's own sources would tell it: of each object the last."""
        found = News(
            nodes=Changes(changed=tuple(self._node_news.values())),
            pods=Changes(changed=tuple(self._pod_news.values())),
            node_states=Changes(changed=tuple(self._state_news.values()), refused=tuple(self._refused.values())),
        )
        for kind in (self._node_news, self._pod_news, self._state_news, self._refused):
            kind.clear()
        return found

    def feasible(self, newcomer: KnownPod) -> list[str]:
        """Nodes that have room for what a pod requests, and whose labels and taints let it come.

        As kube-scheduler's NodeResourcesFit, NodeUnschedulable, NodeName, TaintToleration, and of NodeAffinity the node
        selector. Affinities, spreading, ports and volumes are not recorded.
        """
        spec = newcomer.recorded.spec or PodSpec()
        selector, tolerations = spec.node_selector or {}, spec.tolerations or []
        wanted = [*((name, amount) for name, amount in newcomer.requests.items() if amount > 0), (PODS, 1)]
        return [
            name
            for name, node in self.nodes.items()
            if has_room_at_all(node.allocatable)
            and self._fits(wanted, name, node)
            and node.recorded.admits(selector, tolerations)
        ]

    def state(self, node: str) -> KnownState:
        """What a node's agent published last that can be believed."""
        return self._states.get(node, NO_STATE)

    def has_room_at_all(self, node: str) -> bool:
        """Whether a node is known, and pods may run there."""
        return node in self.nodes and has_room_at_all(self.nodes[node].allocatable)

    def requested(self, node: str, *, scored: bool) -> Mapping[str, int]:
        """What a node's pods request, by resource.

        Args:
            node: its name.
            scored: with something for containers that do not say, see ``RecordedPod.requests``.
        """
        return (self._scored if scored else self._requested).get(node, Counter())

    def _fits(self, wanted: Iterable[tuple[str, int]], name: str, node: KnownNode) -> bool:
        taken = self._requested.get(name, Counter())
        return all(taken[resource] + amount <= node.allocatable.get(resource, 0) for resource, amount in wanted)

    def _is_known(self, event: Event) -> bool:
        """Whether it says nothing new; a session that begins says all again, and nobody is to be blamed for that."""
        key = (event.kind, event.name)
        if event.content is None:
            known = self._contents.pop(key, None)
            if known is None:
                self._troubles[Trouble.GONE_UNSEEN] += 1
            return known is None
        content = hash(event.content)
        is_known = self._contents.get(key) == content
        self._contents[key] = content
        if is_known and self._listing.whole:
            self._troubles[Trouble.STATE_TWICE if event.kind is Kind.NODE_STATE else Trouble.TWICE] += 1
        return is_known

    def _take_node(self, event: Event) -> None:
        if event.content is None:
            self.nodes.pop(event.name, None)
            self._node_news[event.name] = Change(name=event.name, value=None)
            return
        recorded, found = read_recorded_node(event.content), parse_node(event.content)
        allocatable = recorded.allocatable()
        self.nodes[event.name] = KnownNode(
            recorded=recorded, allocatable=allocatable, capacity=cpus_and_memory(allocatable)
        )
        self._node_news[event.name] = Change(name=event.name, value=found)

    def _take_state(self, event: Event) -> None:
        self._refused.pop(event.name, None)
        if event.content is None:
            self._states.pop(event.name, None)
            self._state_news[event.name] = Change(name=event.name, value=None)
            return
        found = read_node_state(event.content)
        self._states[event.name] = known_state(found)
        self._state_news[event.name] = Change(name=event.name, value=found)

    def _take_pod(self, event: Event) -> Happened:
        now = None if event.content is None else known_pod(event.content)
        before = self.pods.pop(event.name, None)
        if before is not None:
            self._count(before, -1)
        if now is None:
            self._pod_news[event.name] = Change(name=event.name, value=None)
            return Happened(ended=(event.name,))
        self.pods[event.name] = now
        self._count(now, 1)
        self._pod_news[event.name] = Change(name=event.name, value=now.pod)
        came = now.pod.node and (before is None or not before.pod.node)
        return Happened(
            bound=now if came else None,
            witnessed=self._listing.whole,
            resumed=self._listing.session > 0,
            ended=(event.name,) if now.pod.finished else (),
        )

    def _count(self, known: KnownPod, sign: int) -> None:
        if not known.counts:
            return
        node = known.pod.node
        for totals, amounts in ((self._requested, known.requests), (self._scored, known.scored)):
            total = totals.setdefault(node, Counter())
            for resource, amount in {**amounts, PODS: 1}.items():
                total[resource] += sign * amount

    def _whole(self, event: Event) -> Happened:
        """What an earlier session knew and this one has not found is gone."""
        listing = self._listing
        listing.whole = True
        gone = [key for key in self._contents if key[1] not in listing.names[key[0]]]
        ended = [self.take_over(replace(event, kind=kind, name=name)).ended for kind, name in gone]
        return Happened(ended=tuple(uid for uids in ended for uid in uids))

    def _refuse(self, event: Event, error: ContractError | ExtenderError) -> None:
        """What was known of it stays, as it does in the extender."""
        match event.kind:
            case Kind.NODE_STATE:
                self._troubles[Trouble.REFUSED_STATE] += 1
                other = isinstance(error, OtherContractError)
                self._refused[event.name] = Refusal(name=event.name, sentence=str(error), other_contract=other)
            case Kind.NODE:
                self._troubles[Trouble.REFUSED_NODE] += 1
            case _:
                self._troubles[Trouble.REFUSED_POD] += 1


def cpus_and_memory(amounts: Mapping[str, int]) -> Resources:
    """Of amounts by resource; CPUs stay in thousandths, since only shares are made of them."""
    return Resources(cpus=amounts.get(CPU, 0), memory_bytes=amounts.get(MEMORY, 0))


def known_pod(content: bytes) -> KnownPod:
    """Read a Pod, reduced or whole.

    Raises:
        PodError: it is none, or requests what is no quantity.
    """
    recorded = read_recorded_pod(content)
    return KnownPod(
        recorded=recorded,
        pod=parse_pod(content),
        requests=recorded.requests(),
        scored=recorded.requests(scored=True),
    )
