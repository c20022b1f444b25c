"""A pod as Kubernetes gives it, and what placement needs to know of it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from contracts.profile import ContainerShape, profile_key
from scheduler_extender.errors import PodError

MAX_SLOWDOWN = "leeward.dev/max-slowdown"
ENFORCEMENT = "leeward.dev/enforcement"
CONFIG_HASH = "kubernetes.io/config.hash"
"""On the API server's mirror of a static pod: the UID by which its kubelet, and so its cgroup, knows the pod."""


class Enforcement(StrEnum):
    """Whether a tolerance may be exceeded: ``preferred`` steers by score alone, ``required`` rules nodes out."""

    PREFERRED = "preferred"
    REQUIRED = "required"


NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""DNS-1123's subdomain, with somewhat more dots than it has: nothing in it that JSON would escape."""

_FINISHED = frozenset({"Succeeded", "Failed"})
_GUARANTEED = frozenset({"Guaranteed", ""})
_WHOLE_CPUS = re.compile(r"[0-9]{1,6}")
_MILLI_CPUS = re.compile(r"([0-9]{1,6})000m")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Name = Annotated[str, msgspec.Meta(max_length=253, extra_json_schema={"minLength": 1})]
"""DNS-1123; what is kept and logged of a pod is as short as Kubernetes has it."""
Namespace = Annotated[str, msgspec.Meta(max_length=63)]
LabelValue = Annotated[str, msgspec.Meta(max_length=63)]
Uid = Annotated[str, msgspec.Meta(max_length=128)]

MAXIMUM_CONTAINERS = 256
MAXIMUM_RESOURCES = 64
"""Of a pod, and of what one container requests: far more than any has. All go into a workload's key, and a Pod of a few
megabytes of them would hold all other requests up for seconds."""


class MetadataObject(msgspec.Struct):
    """The fields of an object's metadata that are read; a Go client leaves empty ones out."""

    name: Name
    namespace: Namespace = "default"
    uid: Uid = ""
    labels: dict[str, LabelValue] | None = None
    annotations: dict[str, str] | None = None


class ResourcesObject(msgspec.Struct):
    """A container's requests; quantities are strings, as the API server writes them."""

    requests: Annotated[dict[str, str | int | float], msgspec.Meta(max_length=MAXIMUM_RESOURCES)] | None = None


class ContainerObject(msgspec.Struct):
    """A container's fields that are read."""

    image: str = ""
    resources: ResourcesObject | None = None


class SpecObject(msgspec.Struct, rename="camel"):
    """A pod's spec as far as it is read."""

    node_name: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^({NODE_NAME.pattern})?$"})] = ""
    containers: Annotated[list[ContainerObject], msgspec.Meta(max_length=MAXIMUM_CONTAINERS)] | None = None


class StatusObject(msgspec.Struct, rename="camel"):
    """A pod's status as far as it is read."""

    phase: str = ""
    qos_class: str = ""
    start_time: Moment | None = None


class PodObject(msgspec.Struct):
    """A Kubernetes Pod as far as it is read; all other fields are let pass."""

    metadata: MetadataObject
    spec: SpecObject | None = None
    status: StatusObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What placement needs to know of a pod.

    Attributes:
        name, namespace, uid: as in its metadata.
        node_uid: what its node calls it, and so the NodeState: another one than ``uid`` where it is a static pod.
        key: the workload's, see ``contracts.profile.profile_key``.
        max_slowdown: what its annotation says that it tolerates, 1 or more; ``None`` where it says nothing valid.
        enforcement: what its annotation says of nodes where a tolerance would be exceeded; ``None`` where it says
            nothing valid.
        exclusive_cpus: whole CPUs that the kubelet's static policy gives to it alone.
        node: where it is bound, empty before that.
        started: when the kubelet took it up, ``None`` before that.
        finished: it runs no more.
        complaints: one sentence for each of its annotations that can't be followed.
    """

    name: str
    namespace: str
    uid: str
    node_uid: str
    key: str
    max_slowdown: float | None = None
    enforcement: Enforcement | None = None
    exclusive_cpus: int = 0
    node: str = ""
    started: datetime | None = None
    finished: bool = False
    complaints: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}"


_DECODER = msgspec.json.Decoder(PodObject)


def parse_pod(content: bytes | str) -> Pod:
    """Read a Pod object.

    >>> parse_pod('{"metadata": {"name": "upf-0", "labels": {"leeward.dev/profile": "upf"}}}').key
    'upf'

    Raises:
        PodError: the text is torn, or no Pod.
    """
    try:
        return pod_of(_DECODER.decode(content))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PodError(f"Pod is refused: {error}") from error


def pod_of(found: PodObject) -> Pod:
    """What placement needs of a decoded Pod.

    Raises:
        PodError: it has no name, is bound to what is no node's name, or has text that no JSON text can be.
    """
    metadata, spec, status = found.metadata, found.spec or SpecObject(), found.status or StatusObject()
    if not metadata.name:
        raise PodError("Pod is refused: metadata.name is empty")
    if spec.node_name and NODE_NAME.fullmatch(spec.node_name) is None:
        raise PodError(f"Pod is refused: spec.nodeName is {spec.node_name[:40]!r}, which is no node's name (DNS-1123)")
    annotations = metadata.annotations or {}
    max_slowdown, complaint = _max_slowdown(annotations)
    enforcement, other_complaint = _enforcement(annotations)
    return Pod(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        node_uid=annotations.get(CONFIG_HASH) or metadata.uid,
        key=profile_key(labels=metadata.labels or {}, containers=_shapes(spec)),
        max_slowdown=max_slowdown,
        enforcement=enforcement,
        exclusive_cpus=_exclusive_cpus(spec, qos_class=status.qos_class),
        node=spec.node_name,
        started=status.start_time,
        finished=status.phase in _FINISHED,
        complaints=tuple(sentence for sentence in (complaint, other_complaint) if sentence),
    )


def _requests(container: ContainerObject) -> dict[str, str]:
    resources = container.resources or ResourcesObject()
    return {name: str(quantity) for name, quantity in (resources.requests or {}).items()}


def _shapes(spec: SpecObject) -> list[ContainerShape]:
    return [ContainerShape(container.image, _requests(container)) for container in spec.containers or ()]


def _exclusive_cpus(spec: SpecObject, *, qos_class: str) -> int:
    """Whole CPUs of a Guaranteed pod's containers; those who ask for a part of a CPU run in the shared pool."""
    if qos_class not in _GUARANTEED:
        return 0
    return sum(_whole_cpus(_requests(container)) for container in spec.containers or ())


def _whole_cpus(requests: Mapping[str, str]) -> int:
    quantity = requests.get("cpu", "")
    milli = _MILLI_CPUS.fullmatch(quantity)
    if milli is not None:
        return int(milli[1])
    return int(quantity) if _WHOLE_CPUS.fullmatch(quantity) else 0


def _max_slowdown(annotations: Mapping[str, str]) -> tuple[float | None, str]:
    text = annotations.get(MAX_SLOWDOWN)
    if text is None:
        return None, ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and value >= 1.0:
        return value, ""
    return None, f"annotation {MAX_SLOWDOWN} is {text[:40]!r}: a number from 1 up is meant, so the default holds"


def _enforcement(annotations: Mapping[str, str]) -> tuple[Enforcement | None, str]:
    text = annotations.get(ENFORCEMENT)
    if text is None or text in set(Enforcement):
        return None if text is None else Enforcement(text), ""
    return None, f"annotation {ENFORCEMENT} is {text[:40]!r}: required or preferred is meant, so the default holds"
