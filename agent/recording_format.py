"""The file format of recorded traces, version 1.

A recording is the line ``leeward-recording 1``, then frames. A frame is the length and the CRC-32 of its content (each
uint32, little endian), then the content, which is deflated (zlib). Inflated, its first byte says what it is:

- ``H``, first and once: the header, as JSON.
- ``L``: a layout, as JSON: PMU, events, instances and domains of each block. Layouts are numbered from 0 as they come;
  one is written when a reading first has it.
- ``R``: a reading: one line of JSON (its layout's number, its clocks, whether a window ends, gauges), then for each
  block of the layout enabled times, running times, and counts row by row, as uint64, little endian.

Frames of any other kind are skipped. Frames are written whole, one after the other: whoever is killed leaves a torn
tail, and all before it can be read. Nothing in a recording is ever executed.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import BinaryIO

import numpy as np
from pydantic import TypeAdapter

from agent.sources.protocol import CountArray, CounterBlock, Opened, Reading
from agent.topology import Topology
from contracts.events import Pmu

MAGIC = b"leeward-recording"
VERSION = 1
FIRST_LINE = b"%s %d\n" % (MAGIC, VERSION)
LONGEST_FIRST_LINE = 64
LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes of a frame's content, deflated or not; a reading of 448 CPUs has a third of a megabyte."""

HEADER, LAYOUT, READING = b"H", b"L", b"R"

_FRAME = struct.Struct("<II")
_WORD = np.dtype("<u8")
_FASTEST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingHeader:
    """What a recording is of.

    Attributes:
        node: the node's name.
        agent_version: who recorded.
        feature_schema: digest of the schema for whose events the sources were opened.
        started: when, UTC.
        sampling_period_seconds, window_seconds: of the recorded run.
        topology: the node's domains.
        opened: what its sources offered, and why the rest is missing.
    """

    node: str
    agent_version: str
    feature_schema: str
    started: datetime
    sampling_period_seconds: float
    window_seconds: float
    topology: Topology
    opened: Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockLayout:
    """A block without its numbers; attributes as in ``CounterBlock``."""

    pmu: Pmu
    events: tuple[str, ...]
    instances: tuple[str, ...]
    domains: tuple[str, ...]

    @property
    def words(self) -> int:
        """How many numbers the block has."""
        return len(self.instances) * (2 + len(self.events))


Layout = tuple[BlockLayout, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReading:
    """One reading as it was taken.

    Attributes:
        reading: what the sources gave, merged.
        ends_window: whether a window ended with it.
    """

    reading: Reading
    ends_window: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadingLine:
    layout: int
    wall_ns: int
    monotonic_ns: int
    asleep_ns: int
    ends_window: bool
    gauges: Mapping[str, Mapping[str, float]]


def frame(kind: bytes, body: bytes) -> bytes:
    """One frame."""
    content = zlib.compress(kind + body, _FASTEST)
    return _FRAME.pack(len(content), zlib.crc32(content)) + content


def read_frame(file: BinaryIO) -> tuple[bytes, bytes] | None:
    """Kind and body of the frame at which ``file`` stands; ``None`` at the end, and where the frame is not whole."""
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return None
    length, checksum = _FRAME.unpack(head)
    if length > LARGEST_FRAME:
        return None
    content = file.read(length)
    if len(content) < length or zlib.crc32(content) != checksum:
        return None
    return _inflated(content)


def _inflated(content: bytes) -> tuple[bytes, bytes] | None:
    inflating = zlib.decompressobj()
    try:
        whole = inflating.decompress(content, LARGEST_FRAME)
    except zlib.error:
        return None
    return (whole[:1], whole[1:]) if inflating.eof else None


def header_to_bytes(header: RecordingHeader) -> bytes:
    """The body of a header's frame."""
    return _header_form().dump_json(header)


def header_from_bytes(body: bytes) -> RecordingHeader:
    """The inverse of ``header_to_bytes``.

    Raises:
        ValueError: it is none.
    """
    return _header_form().validate_json(body)


def layout_of(blocks: Sequence[CounterBlock]) -> Layout:
    """Blocks without their numbers."""
    return tuple(
        BlockLayout(pmu=block.pmu, events=block.events, instances=block.instances, domains=block.domains)
        for block in blocks
    )


def layout_to_bytes(layout: Layout) -> bytes:
    """The body of a layout's frame."""
    return _layout_form().dump_json(layout)


def layout_from_bytes(body: bytes) -> Layout:
    """The inverse of ``layout_to_bytes``.

    Raises:
        ValueError: it is none.
    """
    return _layout_form().validate_json(body)


def reading_to_bytes(recorded: RecordedReading, *, layout: int) -> bytes:
    """The body of a reading's frame; ``layout`` is the number of its blocks' layout."""
    reading = recorded.reading
    line = _ReadingLine(
        layout=layout,
        wall_ns=reading.wall_ns,
        monotonic_ns=reading.monotonic_ns,
        asleep_ns=reading.asleep_ns,
        ends_window=recorded.ends_window,
        gauges=reading.gauges,
    )
    arrays = [array for block in reading.blocks for array in (block.enabled_ns, block.running_ns, block.counts)]
    words = [np.ascontiguousarray(array, dtype=_WORD).tobytes() for array in arrays]
    return b"".join([_line_form().dump_json(line), b"\n", *words])


def reading_from_bytes(body: bytes, *, layouts: Sequence[Layout]) -> RecordedReading:
    """The inverse of ``reading_to_bytes``, given the layouts so far.

    Raises:
        ValueError: it is none, or its layout is not among them, or has another size.
    """
    text, _, content = body.partition(b"\n")
    line = _line_form().validate_json(text)
    if not 0 <= line.layout < len(layouts):
        raise ValueError(f"a reading of layout {line.layout}, where {len(layouts)} were given")
    layout = layouts[line.layout]
    if len(content) != _WORD.itemsize * sum(block.words for block in layout):
        raise ValueError(f"a reading of {len(content)} bytes of counts, which its layout does not have")
    words = np.frombuffer(content, dtype=_WORD).astype(np.uint64)
    blocks = []
    for block in layout:
        blocks.append(_filled(block, words[: block.words]))
        words = words[block.words :]
    return RecordedReading(
        reading=Reading(
            wall_ns=line.wall_ns,
            monotonic_ns=line.monotonic_ns,
            asleep_ns=line.asleep_ns,
            blocks=tuple(blocks),
            gauges=line.gauges,
        ),
        ends_window=line.ends_window,
    )


def _filled(layout: BlockLayout, words: CountArray) -> CounterBlock:
    rows = len(layout.instances)
    return CounterBlock(
        pmu=layout.pmu,
        events=layout.events,
        instances=layout.instances,
        domains=layout.domains,
        enabled_ns=words[:rows],
        running_ns=words[rows : 2 * rows],
        counts=words[2 * rows :].reshape(rows, len(layout.events)),
    )


@cache
def _header_form() -> TypeAdapter[RecordingHeader]:
    return TypeAdapter(RecordingHeader)


@cache
def _layout_form() -> TypeAdapter[Layout]:
    return TypeAdapter(Layout)


@cache
def _line_form() -> TypeAdapter[_ReadingLine]:
    return TypeAdapter(_ReadingLine)
