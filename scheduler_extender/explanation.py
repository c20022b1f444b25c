"""Why a node is scored as it is: each party, its bound, its tolerance, the regime, how old the state was."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.profile import Tier
from scheduler_extender.kept import Forecasts
from scheduler_extender.outlook import NodeOutlook, Prediction
from scheduler_extender.pod import Pod
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
        standing: ``known``, or why its bounds do not count.
        age_seconds: of its state; ``None`` where there is none.
        failed: the filter's reason, empty where it passes.
        domains: all of its domains.
        parties: on the domains that may take the newcomer, the worst ratio first.
    """

    node: str
    score: int
    standing: str
    age_seconds: float | None
    failed: str
    domains: tuple[DomainExplanation, ...]
    parties: tuple[PartyExplanation, ...]


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
        nodes: in the order asked, one each.
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
    outlook: NodeOutlook, *, pod: Pod, workload: KnownWorkload, tolerance: float, forecasts: Forecasts
) -> tuple[PartyExplanation, ...]:
    """Every party of one node, the worst ratio first.

    Args:
        outlook: the node.
        pod, workload, tolerance: the newcomer, what is known of it, and what it tolerates.
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
        ratio=bound / tolerance,
        beyond_training=bool(found.bounds.beyond_training[row]),
        measured=measured,
    )


def unexplained(node: str, *, score: int, standing: str, age_seconds: float | None) -> NodeExplanation:
    """A node of which nothing is predicted."""
    return NodeExplanation(
        node=node, score=score, standing=standing, age_seconds=age_seconds, failed="", domains=(), parties=()
    )


def _sentence(party: PartyExplanation) -> str:
    told = f"{party.pod} on {party.domain} up to {party.bound:.2f}, tolerates {party.tolerance:g}"
    if party.tier != Tier.OBSERVED.value:
        return told
    return f"{told}; bounded by {party.observations} own observation{'' if party.observations == 1 else 's'}"


def worst_party(node: NodeExplanation) -> PartyExplanation | None:
    """Who decides a node's score; ``None`` where nothing is predicted."""
    return next(iter(node.parties), None)


def summary(explanation: Explanation, nodes: Sequence[str] | None = None) -> str:
    """An explanation in a few lines for people, the best node first.

    Args:
        explanation: of a request.
        nodes: only these, all where absent.
    """
    chosen = [entry for entry in explanation.nodes if nodes is None or entry.node in nodes]
    lines = [
        f"{explanation.pod} ({explanation.workload}{'' if explanation.known else ', not known'}) tolerates "
        f"{explanation.tolerance:g}"
    ]
    for entry in sorted(chosen, key=lambda entry: (-entry.score, entry.node)):
        worst = worst_party(entry)
        why = entry.standing if worst is None else _sentence(worst)
        lines.append(f"{entry.score:3d}  {entry.node}  {entry.failed or why}")
    return "\n".join(lines)
