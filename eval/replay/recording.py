"""The form of a recording: a directory of files of JSON lines, which are never changed once they were closed.

<recording>/events-000001.jsonl.gz    closed; its first line is a header, each other one an event, in the order seen
<recording>/events-000002.jsonl       the one that is written to, or was when the recorder ended
<recording>/decisions/                files ``decisions.jsonl*`` of the extenders that were asked in that period

A reader lets further fields pass and refuses another form.
"""

from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from contracts.model import UtcTime
from scheduler_extender.pod import Moment

FORM = "leeward-recording/1"
PART = "events-{:06d}.jsonl"
PART_GLOB = "events-[0-9]*.jsonl*"
CLOSED = ".gz"
NULL = b"null"


class Kind(StrEnum):
    """What an event is of. ``WHOLE``: all that the cluster had when the session began stands above this line."""

    NODE = "node"
    NODE_STATE = "nodeState"
    POD = "pod"
    WHOLE = "whole"


class Header(BaseModel):
    """The first line of every file.

    Attributes:
        form: of the recording.
        session: when the recorder was started, by its clock. Files of one session go on where the one before ended;
            another session begins with all that the cluster has.
        part: the file's number.
        leeward: which release wrote it.
        cluster_time: of the API server when the session began, to the second; ``None`` where it did not say.
        simulated: the cluster was the testbed's.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True
    )

    form: str = FORM
    session: UtcTime
    part: Annotated[int, Field(ge=1)]
    leeward: str
    cluster_time: UtcTime | None = None
    simulated: bool = False


class Line(msgspec.Struct, omit_defaults=True):
    """One event.

    Attributes:
        at: when it was seen, by the recorder's clock.
        kind: see ``Kind``; a reader lets others pass.
        name: what stays the same over an object's life: a node's name, a pod's UID.
        object: what is kept of it; null where it was deleted.
    """

    at: Moment
    kind: str
    name: str = ""
    object: msgspec.Raw = msgspec.Raw(NULL)


def this_leeward() -> str:
    """The release that runs."""
    try:
        return version("leeward")
    except PackageNotFoundError:
        return "unpackaged"
