"""A NodeState as it is recorded: whole, since an agent writes nothing but counters into it, without the API server's
own metadata.
"""

import msgspec

from scheduler_extender.errors import ExtenderError

_KEPT_METADATA = ("name", "resourceVersion", "generation")


def reduced_node_state(content: bytes) -> bytes:
    """A NodeState's JSON; one that can't be believed is kept as it is, since the extender saw it as well.

    Raises:
        ExtenderError: it is no object of Kubernetes at all.
    """
    try:
        found = msgspec.json.decode(content, type=dict[str, object])
        metadata = msgspec.convert(found.get("metadata"), dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ExtenderError(f"NodeState is refused: {error}") from error
    found["metadata"] = {name: metadata[name] for name in _KEPT_METADATA if name in metadata}
    return msgspec.json.encode(found)
