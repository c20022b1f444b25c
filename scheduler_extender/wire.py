"""kube-scheduler's extender protocol, ``k8s.io/kube-scheduler/extender/v1``: request bodies in, answers out.

Bodies are decoded straight into the few fields that are read. Whole nodes stay the bytes that came, and go back
as such.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from scheduler_extender.errors import ArgsError, PodError
from scheduler_extender.pod import NODE_NAME, Pod, PodObject, pod_of

NAMED_BYTES = 3 * 2**20
"""How large a Pod, or a list of names, may be. No API server takes a larger object (``MaxRequestBodyBytes`` in
``k8s.io/apiserver/pkg/server/config.go``), and the names of 5,000 nodes have 1.3 MB at most. A few megabytes more of
nothing but brackets would become gigabytes of objects, and hold all other requests up for minutes."""

_SHOWN = 60

NodeName = Annotated[
    str, msgspec.Meta(extra_json_schema={"pattern": f"^{NODE_NAME.pattern}$", "minLength": 1, "maxLength": 253})
]


class NamedMetadata(msgspec.Struct):
    """A node's metadata as far as it is read."""

    name: NodeName


class NamedNode(msgspec.Struct):
    """A Kubernetes Node as far as it is read; it goes back as the bytes that came."""

    metadata: NamedMetadata


WholeNode = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/NamedNode"})]


class NodeList(msgspec.Struct):
    """Whole nodes, each name once."""

    items: list[WholeNode] | None = None


class ExtenderArgs(msgspec.Struct, rename="pascal"):
    """A pod, and the nodes asked about: either whole or by name, the other one null or left out."""

    pod: PodObject
    nodes: NodeList | None = None
    node_names: Annotated[list[NodeName], msgspec.Meta(extra_json_schema={"uniqueItems": True})] | None = None


class _NamedNodes(msgspec.Struct):
    items: list[NamedNode] | None = None


class _FirstLook(msgspec.Struct, rename="pascal"):
    """How much there is, before any of it is made objects; what is no node ends it at once."""

    pod: msgspec.Raw = msgspec.Raw()
    node_names: msgspec.Raw = msgspec.Raw()
    nodes: _NamedNodes | None = None


class HostPriority(msgspec.Struct, rename="pascal"):
    """A node's score."""

    host: NodeName
    score: Annotated[int, msgspec.Meta(ge=0, le=10)]


class PassedNodes(msgspec.Struct):
    """Whole nodes that pass."""

    items: list[WholeNode]
    metadata: dict[str, str] = {}


class ExtenderFilterResult(msgspec.Struct, rename="pascal"):
    """Which nodes pass, in the form that was asked in, and why the others don't."""

    nodes: PassedNodes | None
    node_names: list[NodeName] | None
    failed_nodes: dict[str, str]
    failed_and_unresolvable_nodes: Mapping[str, str]
    error: str = ""


class Refusal(msgspec.Struct, rename="pascal"):
    """Why a request is not answered: one sentence, what and where."""

    error: str


class ExtenderBindingResult(msgspec.Struct, rename="pascal"):
    """Why a pod was not bound."""

    error: str


_AFTER_NAME = np.array([f'","Score":{score}}},{{"Host":"' for score in range(11)], dtype=np.object_)
"""What stands between two names of a ``HostPriorityList``. To make five thousand objects only to write them down would
take longer than all that was computed of them."""

_ARGS = msgspec.json.Decoder(ExtenderArgs)
_FIRST_LOOK = msgspec.json.Decoder(_FirstLook)
_NODE = msgspec.json.Decoder(NamedNode)
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Args:
    """A request.

    Attributes:
        pod: the newcomer.
        names: the nodes asked about, each once, in the order that they came.
        whole_nodes: their objects in the same order where the scheduler sent these, ``None`` where it sent names.
    """

    pod: Pod
    names: Sequence[str]
    whole_nodes: Sequence[msgspec.Raw] | None = None

    @property
    def field(self) -> str:
        """The key under which the nodes came."""
        return "NodeNames" if self.whole_nodes is None else "Nodes"


def parse_args(body: bytes, *, limit_bytes: int) -> Args:
    """Read ``ExtenderArgs``.

    Raises:
        ArgsError: the body is too large, no JSON, or lacks something.
    """
    if len(body) > limit_bytes:
        raise oversized(len(body), limit_bytes=limit_bytes)
    try:
        if len(body) > NAMED_BYTES:
            _refuse_bulk(_FIRST_LOOK.decode(body))
        found = _ARGS.decode(body)
        pod = pod_of(found.pod)
    except msgspec.ValidationError as error:
        raise ArgsError(f"body is no ExtenderArgs: {error}") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArgsError(f"body is not JSON: {error}") from error
    except PodError as error:
        raise ArgsError(f"body is no ExtenderArgs: {error}") from error
    if (found.nodes is None) is (found.node_names is None):
        raise ArgsError(
            f"body has {'neither' if found.nodes is None else 'both'} Nodes {'nor' if found.nodes is None else 'and'} "
            "NodeNames: kube-scheduler sends one of them and null for the other"
        )
    if found.nodes is None:
        names, whole_nodes = found.node_names or [], None
    else:
        whole_nodes = found.nodes.items or []
        names = [_name_of(node, index) for index, node in enumerate(whole_nodes)]
    return Args(pod=pod, names=names, whole_nodes=whole_nodes)


def oversized(size_bytes: int, *, limit_bytes: int) -> ArgsError:
    """The refusal of a body that is too large."""
    return ArgsError(
        f"body has {size_bytes} bytes or more, at most {limit_bytes} are taken: set nodeCacheCapable, so that "
        "names are sent instead of whole nodes, or raise bodyLimitBytes",
        status=413,
    )


def _refuse_bulk(found: _FirstLook) -> None:
    for part, content in (("Pod", found.pod), ("NodeNames", found.node_names)):
        size = memoryview(content).nbytes
        if size > NAMED_BYTES:
            raise ArgsError(
                f"{part} has {size} bytes, at most {NAMED_BYTES} are taken: no API server has as much", status=413
            )


def _name_of(node: msgspec.Raw, index: int) -> str:
    """Its name; all of the node is decoded as text on the way, since all of it may go back."""
    try:
        return _NODE.decode(str(memoryview(node), "utf-8")).metadata.name
    except msgspec.ValidationError as error:
        raise ArgsError(f"body is no ExtenderArgs: {error} of Nodes.items[{index}]") from error
    except UnicodeDecodeError as error:
        raise ArgsError(f"body is not JSON: {error} of Nodes.items[{index}]") from error


def refuse_repeats(args: Args) -> None:
    """Refuse a request that names a node twice.

    Raises:
        ArgsError: says which, and where it stands.
    """
    if len(set(args.names)) == len(args.names):
        return
    first: dict[str, int] = {}
    for index, name in enumerate(args.names):
        if name in first:
            raise ArgsError(f"{args.field} names {name[:_SHOWN]!r} twice, as entries {first[name]} and {index}")
        first[name] = index


def refuse_foreign_names(args: Args, suspects: Iterable[str]) -> None:
    """Refuse what can't be a node's name.

    Args:
        args: the request that they stand in.
        suspects: those of its names that are not known to be nodes'.

    Raises:
        ArgsError: says which, and where it stands.
    """
    for name in suspects:
        if NODE_NAME.fullmatch(name) is None:
            raise ArgsError(
                f"{args.field}[{args.names.index(name)}] is {name[:_SHOWN]!r}, which is no node's name: lower case "
                "letters, digits, '-' and '.' are meant, 253 at most (DNS-1123)"
            )


def encode_filter(args: Args, failed: Mapping[str, str]) -> bytes:
    """``ExtenderFilterResult`` in the form that was asked in: never empty, never a node that was not asked about.

    Args:
        args: the request.
        failed: node name to reason. They are unresolvable: kube-scheduler's preemption does not ask this extender
            again, so whom it would evict has nothing to do with contention.
    """
    by_names = args.whole_nodes is None
    passed = [name for name in args.names if name not in failed] if failed else list(args.names)
    nodes = None
    if args.whole_nodes is not None:
        kept = zip(args.names, args.whole_nodes, strict=True)
        nodes = PassedNodes(items=[node for name, node in kept if name not in failed])
    return _ENCODER.encode(
        ExtenderFilterResult(
            nodes=nodes,
            node_names=passed if by_names else None,
            failed_nodes={},
            failed_and_unresolvable_nodes=failed,
        )
    )


def encode_priorities(names: Sequence[str], scores: NDArray[np.int64]) -> bytes:
    """``HostPriorityList``: integers, since one number with a point makes kube-scheduler drop the whole answer.

    Args:
        names: nodes' names, which hold nothing that JSON escapes.
        scores: int64, one a name, 0 to 10.
    """
    if not names:
        return b"[]"
    pieces = [""] * (2 * len(names))
    pieces[::2] = names
    pieces[1::2] = _AFTER_NAME.take(scores).tolist()
    pieces[0], pieces[-1] = f'[{{"Host":"{names[0]}', f'","Score":{scores[-1]}}}]'
    return "".join(pieces).encode()


def encode_no_binding(sentence: str) -> bytes:
    """``ExtenderBindingResult`` of an extender that binds nothing."""
    return _ENCODER.encode(ExtenderBindingResult(sentence))


def encode_refusal(error: ArgsError) -> bytes:
    """What a refused request is answered: the sentence, under the protocol's own key."""
    return _ENCODER.encode(Refusal(str(error)))
