"""Why a node is scored as it is: each party, its bound, its tolerance, the regime, how old the state was."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.profile import Tier
from scheduler_extender.kept import Forecasts
from scheduler_extender.outlook import NodeOutlook, Prediction
from scheduler_extender.pod import Pod
from scheduler_extender.standing import Standing
from scheduler_extender.topology import TopologyPolicy
from serving.interference_row import KnownWorkload


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyExplanation:
    """One party on one domain.

    Attributes:
        pod: namespace and name.
        newcomer: it is the one that would come.
        domain: where it lives, or would live.
        workload: its key; ``conservative`` where its workload is not known.
        tier: how much is known of it; ``observed`` where its own windows moved its margin.
        observations: how many windows of its own that margin stands on.
        median, bound: of its slowdown, if the newcomer came.
        tolerance: the slowdown that it tolerates.
        required: no node where that would be exceeded may be chosen.
        ratio: bound over tolerance; the highest of a node counts.
        beyond_training: a pressure lies beyond what training saw, so that the bound is the ceiling.
        measured: the domain's window has seen it; never of the newcomer.
    """

    pod: str
    newcomer: bool
    domain: str
    workload: str
    tier: str
    observations: int
    median: float
    bound: float
    tolerance: float
    required: bool
    ratio: float
    beyond_training: bool
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainExplanation:
    """What a domain showed; ``pressed`` is the highest probability of an axis."""

    name: str
    regime: str
    pressed: float
    free_exclusive_cpus: int | None
    candidate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeExplanation:
    """One node.

    Attributes:
        node: its name.
        score: 0 to 10.
        standing: ``known``, or why its bounds do not count, see ``scheduler_extender.standing``.
        refused: why its latest NodeState can't be believed; empty where it can.
        age_seconds: of its last state that could be; ``None`` where there is none.
        failed: the filter's reason, empty where it passes.
        topology_policy: how its kubelet chooses among its domains; ``None`` where none are known.
        domains: all of its domains.
        parties: on the domains that may take the newcomer, the worst ratio first.
    """

    node: str
    score: int
    standing: Standing
    refused: str
    age_seconds: float | None
    failed: str
    topology_policy: TopologyPolicy | None = None
    domains: tuple[DomainExplanation, ...] = ()
    parties: tuple[PartyExplanation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Of one request.

    Attributes:
        pod: namespace and name.
        workload: the newcomer's key.
        known: its workload has a profile.
        tolerance: the slowdown that it tolerates.
        required: its enforcement is ``required``.
        shadowed: it is only looked at: the scheduler is told that all nodes are alike.
        champion: digest of the bundle that predicted; empty where none did.
        simulated: the champion was trained on the testbed's output.
        complaints: on its annotations.
        judged, failed: among how many nodes, and how many of them policy rules out.
        nodes: those that are explained, in the order asked.
    """

    pod: str
    workload: str
    known: bool
    tolerance: float
    required: bool
    shadowed: bool
    champion: str
    simulated: bool
    complaints: tuple[str, ...]
    judged: int
    failed: int
    nodes: tuple[NodeExplanation, ...]


def domains_of(outlook: NodeOutlook, pod: Pod) -> tuple[DomainExplanation, ...]:
    """A node's domains, and which of them may take a pod."""
    candidates = {domain.name for domain in outlook.candidates(pod.exclusive_cpus)}
    return tuple(
        DomainExplanation(
            name=domain.name,
            regime=domain.regime.value,
            pressed=domain.pressed,
            free_exclusive_cpus=domain.free_exclusive_cpus,
            candidate=domain.name in candidates,
        )
        for domain in outlook.telemetry.domains
    )


def parties_of(
    outlook: NodeOutlook,
    *,
    pod: Pod,
    workload: KnownWorkload,
    tolerance: float,
    required: bool,
    forecasts: Forecasts,
) -> tuple[PartyExplanation, ...]:
    """Every party of one node, the worst ratio first.

    Args:
        outlook: the node.
        pod, workload, tolerance, required: the newcomer, what is known of it, what it tolerates, and how strictly.
        forecasts: predict.
    """
    found = forecasts.predict([outlook], workload, pod.exclusive_cpus)
    newcomers = [
        _party(
            found,
            row,
            pod=pod,
            newcomer=True,
            domain=domain.name,
            workload=workload,
            tolerance=tolerance,
            required=required,
            measured=False,
        )
        for row, domain in enumerate(found.domains)
    ]
    residents = [
        _party(
            found,
            row,
            pod=resident.pod,
            newcomer=False,
            domain=domain.name,
            workload=resident.workload,
            tolerance=resident.tolerance,
            required=resident.required,
            measured=resident.measured,
        )
        for row, (domain, resident) in enumerate(
            zip(found.resident_domains, found.residents, strict=True), start=len(found.domains)
        )
    ]
    return tuple(sorted([*newcomers, *residents], key=lambda party: -party.ratio))


def _party(
    found: Prediction,
    row: int,
    *,
    pod: Pod,
    newcomer: bool,
    domain: str,
    workload: KnownWorkload,
    tolerance: float,
    required: bool,
    measured: bool,
) -> PartyExplanation:
    bound, own = float(found.bounds.upper[row]), workload.own
    return PartyExplanation(
        pod=pod.full_name,
        newcomer=newcomer,
        domain=domain,
        workload=workload.key,
        tier=(workload.tier if own is None or not own.moved else Tier.OBSERVED).value,
        observations=0 if own is None else own.observations,
        median=float(found.bounds.median[row]),
        bound=bound,
        tolerance=tolerance,
        required=required,
        ratio=bound / tolerance,
        beyond_training=bool(found.bounds.beyond_training[row]),
        measured=measured,
    )


def worst_party(node: NodeExplanation) -> PartyExplanation | None:
    """Who decides a node's score; ``None`` where nothing is predicted."""
    return next(iter(node.parties), None)


def failing_party(node: NodeExplanation) -> PartyExplanation | None:
    """Who rules a node out: the newcomer if it can't bear it there, else the resident who is worst off."""
    exceeded = [party for party in node.parties if party.required and party.bound > party.tolerance]
    return min(exceeded, key=lambda party: (not party.newcomer, -party.ratio), default=None)


def summary(explanation: Explanation, nodes: Sequence[str] | None = None) -> str:
    """An explanation in a few lines for people, the best node first.

    Args:
        explanation: of a request.
        nodes: only these, all where absent.
    """
    chosen = [entry for entry in explanation.nodes if nodes is None or entry.node in nodes]
    lines = [
        f"{explanation.pod} ({explanation.workload}{'' if explanation.known else ', not known'}) tolerates "
        f"{explanation.tolerance:g}{', required' if explanation.required else ''}"
    ]
    if explanation.failed:
        lines.append(_how_many_fail(explanation))
    lines.extend(f"{entry.score:3d}  {entry.node}  {_why(entry)}" for entry in sorted(chosen, key=_best_first))
    return "\n".join(lines)


def _best_first(node: NodeExplanation) -> tuple[int, float, str]:
    worst = worst_party(node)
    return -node.score, math.inf if worst is None else worst.ratio, node.node


def _how_many_fail(explanation: Explanation) -> str:
    nodes = f"{explanation.failed} of {explanation.judged} nodes"
    if explanation.shadowed:
        return f"policy would rule out {nodes}; it is only looked at"
    if explanation.failed < explanation.judged:
        return f"policy rules out {nodes}"
    return f"policy rules out {nodes}: it waits until somebody named below tolerates more, or contention eases"


def _why(node: NodeExplanation) -> str:
    failing, worst = failing_party(node), worst_party(node)
    if node.failed and failing is not None:
        return f"ruled out: {_sentence(failing)}"
    told = node.refused or node.standing.sentence
    if worst is None:
        return told
    if node.standing is Standing.KNOWN:
        return _sentence(worst)
    age = "" if node.age_seconds is None else f" {node.age_seconds:.0f} s ago"
    return f"{told}; last seen{age}: {_sentence(worst)}"


def _sentence(party: PartyExplanation) -> str:
    told = f"{party.pod} on {party.domain} up to {party.bound:.2f}, tolerates {party.tolerance:g}"
    if party.ratio > 1.0:
        told = f"{told} ({party.ratio:.2f} times that)"
    if party.tier != Tier.OBSERVED.value:
        return told
    return f"{told}; bounded by {party.observations} own observation{'' if party.observations == 1 else 's'}"
