"""What was bounded for each party of a placement before it happened, so that it can be held against what came of it."""

from typing import Annotated

from pydantic import Field

from contracts.model import Document
from contracts.regime import Regime
from scheduler_extender.kept import Forecasts
from scheduler_extender.outlook import DomainOutlook, NodeOutlook
from scheduler_extender.pod import Pod
from serving.interference_row import KnownWorkload


class PartyBound(Document):
    """One party in one domain; a newcomer whose domain is not known yet stands once for each that may take it.

    Attributes:
        pod, uid, workload: namespace and name, UID, and the profile's key.
        node, domain: where.
        regime: of the domain, as its agent judged it then.
        newcomer: it is the one that came.
        bound: the slowdown that it was not to exceed, 1 or more.
        tolerance: the slowdown that it tolerates.
    """

    pod: str
    uid: str
    workload: str
    node: str
    domain: str
    regime: Regime
    newcomer: bool
    bound: Annotated[float, Field(ge=1.0)]
    tolerance: float


def party_bounds(
    outlook: NodeOutlook, *, pod: Pod, workload: KnownWorkload, tolerance: float, forecasts: Forecasts
) -> tuple[PartyBound, ...]:
    """Every party's bound on one node.

    Args:
        outlook: the node, before the newcomer is there.
        pod, workload, tolerance: the newcomer, what is known of it, and what it tolerates.
        forecasts: predict.
    """
    found = forecasts.predict([outlook], workload, pod.exclusive_cpus)
    bounds = found.bounds.upper.tolist()

    def party(bound: float, domain: DomainOutlook, who: Pod, tolerates: float) -> PartyBound:
        return PartyBound(
            pod=who.full_name,
            uid=who.uid,
            workload=who.key,
            node=pod.node,
            domain=domain.name,
            regime=domain.regime,
            newcomer=who is pod,
            bound=bound,
            tolerance=tolerates,
        )

    newcomers = [party(bound, domain, pod, tolerance) for bound, domain in zip(bounds, found.domains, strict=False)]
    residents = [
        party(bound, domain, resident.pod, resident.tolerance)
        for bound, domain, resident in zip(
            bounds[len(newcomers) :], found.resident_domains, found.residents, strict=True
        )
    ]
    return (*newcomers, *residents)
