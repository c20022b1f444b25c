"""Tenants put beside one another, and solved."""

from dataclasses import replace

from eval.testbed.behaviour import Behaviour
from eval.testbed.equilibrium import Flows, equilibrium
from eval.testbed.hardware import SOCKETS
from eval.testbed.scene import Scene, Tenant
from tests.unit.eval.testbed.laws.behaviours import WITHIN_L2


def tenant(behaviour: Behaviour, threads: int = 1) -> Tenant:
    """One that always has more to do, on the first socket; ``replace`` makes another of it."""
    return Tenant(behaviour=behaviour, socket=0, threads=threads, load=None)


_QUIET = tuple(replace(tenant(WITHIN_L2), socket=socket, load=1e-3) for socket in range(SOCKETS))


def scene(*tenants: Tenant, siblings: tuple[tuple[int, int, float], ...] = ()) -> Scene:
    """The tenants, then one on each socket that does next to nothing."""
    return Scene(tenants=(*tenants, *_QUIET), siblings=siblings)


def solved(*tenants: Tenant) -> Flows:
    """What happens between the tenants, in their order, on cores of their own."""
    return equilibrium(scene(*tenants))


def on_one_core(own: Tenant, sibling: Tenant) -> Flows:
    """What happens between two tenants of as many threads, each thread beside one of the other's."""
    return equilibrium(scene(own, sibling, siblings=((0, 1, 1.0), (1, 0, 1.0))))


def slowdown(victim: Tenant, *others: Tenant) -> float:
    """An operation's time beside the others over its time alone."""
    return float(solved(victim, *others).service_ns[0] / solved(victim).service_ns[0])
