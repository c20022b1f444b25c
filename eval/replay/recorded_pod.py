"""A pod as it is recorded: what the extender reads of it, what a scheduler's fit needs, and nothing else.

No environment, no arguments, no volumes, no names of secrets, and of labels and annotations Leeward's own and the one
by which a kubelet knows a static pod.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from contracts.profile import PROFILE_LABEL
from eval.replay.quantity import CPU, whole_units
from scheduler_extender.errors import PodError
from scheduler_extender.pod import (
    CONFIG_HASH,
    ENFORCEMENT,
    MAX_SLOWDOWN,
    MAXIMUM_CONTAINERS,
    MAXIMUM_RESOURCES,
    ContainerObject,
    LabelValue,
    Moment,
    Name,
    Namespace,
    ResourcesObject,
    Uid,
)

KEPT_LABELS = frozenset({PROFILE_LABEL})
KEPT_ANNOTATIONS = frozenset({MAX_SLOWDOWN, ENFORCEMENT, CONFIG_HASH})
MEMORY = "memory"
PODS = "pods"

_SCHEDULED = "PodScheduled"
_DAEMON_SET = "DaemonSet"
_RESTARTS = "Always"
_UNSTATED: Mapping[str, int] = {CPU: 100, MEMORY: 200 * 2**20}
"""What a container counts for that requests nothing, where nodes are scored: ``DefaultMilliCPURequest`` and
``DefaultMemoryRequest`` in kube-scheduler's ``util/pod_resources.go``."""

Quantities = Annotated[dict[str, str | int | float], msgspec.Meta(max_length=MAXIMUM_RESOURCES)]


class OwnerReference(msgspec.Struct):
    """What kind of object has made a pod; which one is not kept."""

    kind: str = ""


class PodMetadata(msgspec.Struct, rename="camel", omit_defaults=True):
    """As in ``scheduler_extender.pod.MetadataObject``, and the owners' kinds."""

    name: Name
    namespace: Namespace = "default"
    uid: Uid = ""
    labels: dict[str, LabelValue] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None


class InitContainer(msgspec.Struct, rename="camel", omit_defaults=True):
    """One that runs before the others, or beside them where it always restarts."""

    resources: ResourcesObject | None = None
    restart_policy: str = ""


class Toleration(msgspec.Struct, omit_defaults=True):
    """A taint that a pod puts up with."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class PodSpec(msgspec.Struct, rename="camel", omit_defaults=True):
    """Requests, and what a pod says of nodes."""

    node_name: str = ""
    scheduler_name: str = ""
    containers: Annotated[list[ContainerObject], msgspec.Meta(max_length=MAXIMUM_CONTAINERS)] | None = None
    init_containers: Annotated[list[InitContainer], msgspec.Meta(max_length=MAXIMUM_CONTAINERS)] | None = None
    resources: ResourcesObject | None = None
    overhead: Quantities | None = None
    node_selector: dict[str, str] | None = None
    tolerations: list[Toleration] | None = None


class PodCondition(msgspec.Struct, rename="camel", omit_defaults=True):
    """A condition; only the one that says when the pod was bound is kept."""

    type: str = ""
    status: str = ""
    last_transition_time: Moment | None = None


class PodStatus(msgspec.Struct, rename="camel", omit_defaults=True):
    """As in ``scheduler_extender.pod.StatusObject``, and when it was bound."""

    phase: str = ""
    qos_class: str = ""
    start_time: Moment | None = None
    conditions: list[PodCondition] | None = None


class RecordedPod(msgspec.Struct, omit_defaults=True):
    """All that is kept of a pod."""

    metadata: PodMetadata
    spec: PodSpec | None = None
    status: PodStatus | None = None

    @property
    def chosen(self) -> bool:
        """Whether a scheduler chose its node: daemon sets' pods name theirs, and a static pod is its kubelet's."""
        metadata = self.metadata
        of_daemon_set = any(owner.kind == _DAEMON_SET for owner in metadata.owner_references or ())
        return not of_daemon_set and CONFIG_HASH not in (metadata.annotations or {})

    @property
    def bound_at(self) -> Moment | None:
        """When it was bound, to the second; ``None`` where it does not say."""
        conditions = () if self.status is None else self.status.conditions or ()
        return next((found.last_transition_time for found in conditions if found.status == "True"), None)

    def requests(self, *, scored: bool = False) -> dict[str, int]:
        """What it asks for in all, by resource, in the units of ``eval.replay.quantity``.

        As ``PodRequests`` in ``k8s.io/component-helpers/resource/helpers.go`` has it: containers run together, those
        before them one after another beside the ones that stay; what is asked for the pod as a whole comes first.

        Args:
            scored: with something for containers that do not say, as nodes are scored by.

        Raises:
            PodError: a quantity is none.
        """
        spec = self.spec or PodSpec()
        unstated = _UNSTATED if scored else {}
        together: dict[str, int] = {}
        for container in spec.containers or ():
            _add(together, _asked(container.resources, unstated))
        highest, beside = _initial(spec.init_containers or (), unstated)
        _add(together, beside)
        for resource, amount in highest.items():
            together[resource] = max(together.get(resource, 0), amount)
        together |= _asked(spec.resources, {})
        _add(together, _units(spec.overhead or {}))
        return together


_DECODER = msgspec.json.Decoder(RecordedPod)


def reduced_pod(content: bytes) -> bytes:
    """A Pod's JSON without what is not kept. ``scheduler_extender.pod.parse_pod`` reads the same out of both.

    Raises:
        PodError: it is no Pod.
    """
    found = read_recorded_pod(content)
    metadata, status = found.metadata, found.status
    metadata.labels = _only(metadata.labels, KEPT_LABELS)
    metadata.annotations = _only(metadata.annotations, KEPT_ANNOTATIONS)
    if status is not None:
        status.conditions = [one for one in status.conditions or () if one.type == _SCHEDULED] or None
    return msgspec.json.encode(found)


def read_recorded_pod(content: bytes) -> RecordedPod:
    """Read a Pod, reduced or whole.

    Raises:
        PodError: it is no Pod.
    """
    try:
        return _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PodError(f"Pod is refused: {error}") from error


def _only(texts: Mapping[str, str] | None, kept: frozenset[str]) -> dict[str, str] | None:
    return {name: text for name, text in (texts or {}).items() if name in kept} or None


def _initial(
    containers: Sequence[InitContainer], unstated: Mapping[str, int]
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """The most that is asked for at once before the others run, and what goes on beside them."""
    highest: dict[str, int] = {}
    beside: dict[str, int] = {}
    for container in containers:
        now = _asked(container.resources, unstated)
        if container.restart_policy == _RESTARTS:
            _add(beside, now)
            now = beside
        else:
            now = {name: now.get(name, 0) + beside.get(name, 0) for name in now.keys() | beside.keys()}
        for resource, amount in now.items():
            highest[resource] = max(highest.get(resource, 0), amount)
    return highest, beside


def _asked(resources: ResourcesObject | None, unstated: Mapping[str, int]) -> dict[str, int]:
    return {**unstated, **_units((resources or ResourcesObject()).requests or {})}


def _units(quantities: Mapping[str, str | int | float]) -> dict[str, int]:
    return {resource: whole_units(resource, quantity) for resource, quantity in quantities.items()}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for resource, amount in more.items():
        total[resource] = total.get(resource, 0) + amount
