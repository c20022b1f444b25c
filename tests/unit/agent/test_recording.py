"""The file of a recorded trace: what goes in comes out, whatever happens to its tail."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import RecordingError
from agent.recording import Recording, RecordingWriter
from agent.recording_format import FIRST_LINE, HEADER, READING, RecordedReading, RecordingHeader, frame
from agent.sources.protocol import CounterBlock, MissingEvent, Opened, Reading
from agent.topology import Domain, Topology
from contracts.events import Pmu
from tests.unit.agent.logged import logged_events

HEADER_OF_TWO_SOCKETS = RecordingHeader(
    node="node-1",
    agent_version="1.2.3",
    feature_schema="sha256:" + "0" * 64,
    started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    sampling_period_seconds=1.0,
    window_seconds=10.0,
    topology=Topology(
        vendor="GenuineIntel",
        family=6,
        model=143,
        stepping=8,
        smt=True,
        domains=tuple(
            Domain(name=f"socket{socket}", socket=socket, cpus=(socket, 2 + socket), ceilings={"NODE.LLC_BYTES": 1e8})
            for socket in (0, 1)
        ),
        isolated_cpus=frozenset({2, 3}),
    ),
    opened=Opened(
        events=frozenset({"INST_RETIRED.ANY"}),
        missing=(MissingEvent(event="XQ.FULL_CYCLES", errno="EACCES", reason="ask for CAP_PERFMON"),),
    ),
)

words = st.integers(0, 2**64 - 1)
names = st.text(st.characters(codec="utf-8"), max_size=8)


@st.composite
def blocks(draw: st.DrawFn) -> CounterBlock:
    rows, events = draw(st.integers(0, 4)), draw(st.integers(1, 3))

    def numbers(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        size = int(np.prod(shape))
        return np.array(draw(st.lists(words, min_size=size, max_size=size)), dtype=np.uint64).reshape(shape)

    return CounterBlock(
        pmu=draw(st.sampled_from(Pmu)),
        events=tuple(draw(names) for _ in range(events)),
        instances=tuple(draw(names) for _ in range(rows)),
        domains=tuple(draw(names) for _ in range(rows)),
        counts=numbers(rows, events),
        enabled_ns=numbers(rows),
        running_ns=numbers(rows),
    )


recorded_readings = st.builds(
    RecordedReading,
    reading=st.builds(
        Reading,
        wall_ns=st.integers(0, 2**63),
        monotonic_ns=st.integers(0, 2**63),
        asleep_ns=st.integers(-(2**40), 2**62),
        blocks=st.lists(blocks(), max_size=3).map(tuple),
        gauges=st.dictionaries(
            names, st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False), max_size=2), max_size=2
        ),
    ),
    ends_window=st.booleans(),
)


def content_of(recorded: RecordedReading) -> tuple[object, ...]:
    """All of it as plain values, which compare."""
    reading = recorded.reading
    return (
        recorded.ends_window,
        (reading.wall_ns, reading.monotonic_ns, reading.asleep_ns, reading.gauges),
        [
            (
                (block.pmu, block.events, block.instances, block.domains),
                [array.tolist() for array in (block.enabled_ns, block.running_ns, block.counts)],
            )
            for block in reading.blocks
        ],
    )


@contextmanager
def recorded_file(readings: Sequence[RecordedReading] = ()) -> Iterator[Path]:
    """A file in a directory of its own, since Hypothesis runs a test many times in one."""
    with TemporaryDirectory() as directory:
        path = Path(directory, "trace")
        with RecordingWriter(path, HEADER_OF_TWO_SOCKETS) as writer:
            for recorded in readings:
                writer.write(recorded.reading, ends_window=recorded.ends_window)
        yield path


def read_from(path: Path) -> list[tuple[object, ...]]:
    return [content_of(recorded) for recorded in Recording(path).readings()]


def sample(at: int, *, rows: int = 2) -> RecordedReading:
    block = CounterBlock(
        pmu=Pmu.CORE,
        events=("INST_RETIRED.ANY",),
        instances=tuple(f"cpu{row}" for row in range(rows)),
        domains=("socket0",) * rows,
        counts=np.full((rows, 1), at, dtype=np.uint64),
        enabled_ns=np.full(rows, at, dtype=np.uint64),
        running_ns=np.full(rows, at, dtype=np.uint64),
    )
    return RecordedReading(reading=Reading(wall_ns=at, monotonic_ns=at, blocks=(block,)), ends_window=True)


SAMPLES = [sample(1), sample(2), sample(3, rows=3), sample(4)]


@settings(deadline=None)
@given(readings=st.lists(recorded_readings, max_size=4))
def test_what_was_written_is_read(readings: list[RecordedReading]) -> None:
    with recorded_file(readings) as path, logged_events() as events:
        assert Recording(path).header == HEADER_OF_TWO_SOCKETS
        assert read_from(path) == [content_of(recorded) for recorded in readings]
    assert events == []


def test_counts_are_writable_numbers_of_this_machine() -> None:
    with recorded_file(SAMPLES) as path:
        block = next(Recording(path).readings()).reading.blocks[0]
    assert block.counts.dtype == np.uint64
    block.counts[0, 0] = 7


@cache
def sizes() -> tuple[int, ...]:
    """Bytes of a recording of none of the samples, of one, of two, and so on."""
    found = []
    for number in range(len(SAMPLES) + 1):
        with recorded_file(SAMPLES[:number]) as path:
            found.append(path.stat().st_size)
    return tuple(found)


def readable(path: Path) -> int:
    """How many readings can be read, each of them right; -1 where it is refused altogether."""
    try:
        recording = Recording(path)
    except RecordingError:
        return -1
    found = [content_of(recorded) for recorded in recording.readings()]
    assert found == [content_of(recorded) for recorded in SAMPLES[: len(found)]]
    return len(found)


def whole_before(place: int) -> int:
    """How many readings end at ``place`` or before; -1 where the header does not."""
    return sum(size <= place for size in sizes()) - 1


@settings(deadline=None)
@given(data=st.data())
def test_a_torn_tail_leaves_all_before_it_readable(data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, sizes()[-1]))
    with recorded_file(SAMPLES) as path:
        path.write_bytes(path.read_bytes()[:kept])
        assert readable(path) == whole_before(kept)


@settings(deadline=None)
@given(data=st.data(), bit=st.integers(0, 7))
def test_a_flipped_bit_makes_no_reading_wrong_and_leaves_those_before_it(data: st.DataObject, bit: int) -> None:
    place = data.draw(st.integers(0, sizes()[-1] - 1))
    with recorded_file(SAMPLES) as path:
        content = bytearray(path.read_bytes())
        content[place] ^= 1 << bit
        path.write_bytes(content)
        assert readable(path) == whole_before(place)


def test_a_tear_is_logged_with_how_much_can_be_read() -> None:
    with recorded_file(SAMPLES) as path:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with logged_events() as events:
            assert len(read_from(path)) == len(SAMPLES) - 1
    assert [(event.name, event.fields["bytes"]) for event in events] == [("recording-torn", len(whole) - 1)]


def test_a_recorder_that_is_killed_leaves_what_it_had_written(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from agent.recording import RecordingWriter
from tests.unit.agent.test_recording import HEADER_OF_TWO_SOCKETS, SAMPLES
writer = RecordingWriter(Path(sys.argv[1]), HEADER_OF_TWO_SOCKETS)
for recorded in SAMPLES:
    writer.write(recorded.reading, ends_window=recorded.ends_window)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "trace")], check=False)
    assert done.returncode == -9
    assert read_from(tmp_path / "trace") == [content_of(recorded) for recorded in SAMPLES]


def test_a_file_that_can_grow_no_further_is_told_and_stays_readable(tmp_path: Path) -> None:
    """A limit on file sizes stands for a full disk: the write fails the same way, and needs no privilege."""
    code = """
import resource, signal, sys
from pathlib import Path
from agent.errors import RecordingError
from agent.recording import RecordingWriter
from tests.unit.agent.test_recording import HEADER_OF_TWO_SOCKETS, sample
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
writer = RecordingWriter(Path(sys.argv[1]), HEADER_OF_TWO_SOCKETS)
try:
    for at in range(1000):
        writer.write(sample(at).reading, ends_window=True)
except RecordingError as error:
    print(error)
writer.close()
"""
    path = tmp_path / "trace"
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert (
        done.stdout == f"recording {path} can't be written: File too large; what was written until then can be read\n"
    )
    found = read_from(path)
    assert found == [content_of(sample(at)) for at in range(len(found))]
    assert len(found) > 10


def test_a_file_that_exists_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="File exists; name a new file"):
        RecordingWriter(path, HEADER_OF_TWO_SOCKETS)
    assert path.read_text() == "precious"


def test_closing_twice_does_nothing_more(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "trace", HEADER_OF_TWO_SOCKETS)
    writer.close()
    writer.close()
    assert read_from(tmp_path / "trace") == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no recording"),
        (b"PK\x03\x04", "is no recording"),
        (b"leeward-recording 2\n", "version 2, this agent reads version 1"),
        (b"leeward-recording \xff\n", "version .*, this agent reads version 1"),
        (FIRST_LINE, "torn within its header"),
        (FIRST_LINE + frame(READING, b"{}"), "torn within its header"),
        (FIRST_LINE + frame(HEADER, b'{"node": 1}'), "holds at byte 20 what no recorder"),
    ],
    ids=["empty", "another-format", "newer", "not-a-number", "headless", "reading-first", "foreign-header"],
)
def test_what_is_no_recording_of_this_version_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=sentence):
        Recording(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        Recording(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "body",
    [b"no JSON\n", b'{"layout": 0}\n', frame(READING, b"")],
    ids=["no-json", "keys-missing", "nonsense"],
)
def test_a_whole_frame_that_no_recorder_writes_is_refused(body: bytes) -> None:
    with recorded_file([sample(1)]) as path:
        with path.open("ab") as file:
            file.write(frame(READING, body))
        with pytest.raises(RecordingError, match="what no recorder of version 1 writes"):
            read_from(path)


def test_a_frame_of_an_unknown_kind_is_skipped() -> None:
    with recorded_file(SAMPLES[:1]) as path:
        with path.open("ab") as file:
            file.write(frame(b"?", b"from a later recorder"))
        assert read_from(path) == [content_of(SAMPLES[0])]


def test_a_frame_whose_checksum_is_anothers_is_torn() -> None:
    content = zlib.compress(READING + b"{}")
    with recorded_file(SAMPLES[:1]) as path:
        with path.open("ab") as file:
            file.write(struct.pack("<II", len(content), zlib.crc32(b"another")) + content)
        assert read_from(path) == [content_of(SAMPLES[0])]


def test_a_small_frame_that_inflates_without_end_is_torn() -> None:
    bomb = zlib.compress(READING + bytes(65 * 1024 * 1024))
    with recorded_file(SAMPLES[:1]) as path:
        with path.open("ab") as file:
            file.write(struct.pack("<II", len(bomb), zlib.crc32(bomb)) + bomb)
        assert read_from(path) == [content_of(SAMPLES[0])]
