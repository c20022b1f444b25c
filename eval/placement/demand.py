"""What a tenant asks for when it brings a workload: CPUs, memory, and how much slowdown it tolerates.

A network function is qualified beside each stressor at full intensity: what it lost there, in its profile run, is what
its tenant tolerates. Batch jobs take what is left. The user plane attaches to a network card of one socket.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.profile import WorkloadProfile
from eval.errors import EvaluationError
from eval.placement.mix import Mix
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.workload import Workload

BACKGROUND_GROUP = "batch"
"""The group of the noisy batch jobs that run on every cluster beside its network functions."""

GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One workload as its tenant asks for it.

    Attributes:
        workload: what will run.
        max_slowdown: tolerated, 1 or more.
        memory_bytes: requested.
        needs_nic: a virtual function of a network card is requested, so that kubelet aligns the CPUs with its socket.
    """

    workload: Workload
    max_slowdown: float
    memory_bytes: int
    needs_nic: bool

    @property
    def cpus(self) -> int:
        """Requested CPUs, whole ones: one a worker."""
        return self.workload.exclusive_cores


_MEMORY_GIBIBYTES_PER_WORKER: Mapping[str, int] = {"cdn-cache": 12, "udr": 12, "batch": 8}
_DEFAULT_GIBIBYTES = 4
_BACKGROUND_TOLERANCE = 3.0
_TOLERANCE_STEP = 0.05
_QUALIFIED_AT = 1.0


def demand_of(workload: Workload, profile: WorkloadProfile) -> Demand:
    """What the tenant of a workload asks for.

    Raises:
        EvaluationError: its profile has no probe at full intensity.
    """
    each = _MEMORY_GIBIBYTES_PER_WORKER.get(workload.name, _DEFAULT_GIBIBYTES)
    is_background = workload.group == BACKGROUND_GROUP
    return Demand(
        workload=workload,
        max_slowdown=_BACKGROUND_TOLERANCE if is_background else qualified_slowdown(profile),
        memory_bytes=each * workload.exclusive_cores * GIBIBYTE,
        needs_nic=workload.polls or workload.behaviour.received_lines + workload.behaviour.sent_lines > 1.0,
    )


def qualified_slowdown(profile: WorkloadProfile) -> float:
    """The worst slowdown beside a stressor at full intensity, rounded up to a twentieth.

    Raises:
        EvaluationError: there was no such probe.
    """
    beside = [
        point.slowdown for response in profile.responses for point in response.points if point.pressure == _QUALIFIED_AT
    ]
    if not beside:
        raise EvaluationError(
            f"profile {profile.key} has no probe at intensity {_QUALIFIED_AT}: run the campaign with its default probes"
        )
    return round(math.ceil(max(*beside, 1.0) / _TOLERANCE_STEP) * _TOLERANCE_STEP, 2)


def function_groups(profiles: Iterable[WorkloadProfile], *, mix: Mix = Mix.MIXED) -> tuple[str, ...]:
    """Groups of the testbed's workloads that have a profile and that the mix takes, but the background's; sorted."""
    known = {profile.key for profile in profiles}
    taken = {workload.group for workload in WORKLOADS if workload.name in known and mix.takes(workload)}
    return tuple(sorted(taken - {BACKGROUND_GROUP}))


def demands_of(
    groups: frozenset[str], profiles: Iterable[WorkloadProfile], *, mix: Mix = Mix.MIXED
) -> tuple[Demand, ...]:
    """Of all workloads of some groups that have a profile, as far as the mix takes them.

    Raises:
        EvaluationError: a group has none, or one's profile lacks the probes that qualify it.
    """
    known = {profile.key: profile for profile in profiles}
    wanted = [
        workload
        for workload in WORKLOADS
        if workload.group in groups and workload.name in known and mix.takes(workload)
    ]
    missing = groups - {workload.group for workload in wanted}
    if missing:
        raise EvaluationError(
            f"no profile of group {', '.join(sorted(missing))} lies beside the traces: run the campaign with it"
        )
    return tuple(demand_of(workload, known[workload.name]) for workload in wanted)
