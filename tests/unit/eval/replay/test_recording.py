"""Recordings written and read: whatever ends the recorder, all whole lines are there again."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.replay.errors import RecordingError
from eval.replay.reading import Event, Recording, parts_of
from eval.replay.recording import FORM, Kind
from eval.replay.trouble import Trouble
from eval.replay.writing import recording_into
from tests.unit.eval.replay.site import at, gone, node, pod, record, state, whole

PLAIN, CLOSED = "events-000001.jsonl", "events-000001.jsonl.gz"


def read(directory: Path) -> tuple[list[Event], Counter[Trouble]]:
    troubles: Counter[Trouble] = Counter()
    events = list(Recording(directory).events(troubles))
    return events, +troubles


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def test_what_was_written_is_read_in_its_order(tmp_path: Path) -> None:
    told = (node(0, "spr-1"), state(1, "spr-1"), pod(2, "u", node="spr-1"), whole(3), gone(4, Kind.POD, "u"))
    events, troubles = read(record(tmp_path, *told, simulated=True))
    assert [(event.at, event.kind, event.name) for event in events] == [
        (at(when), kind, name) for when, kind, name, _ in told
    ]
    assert [event.content is None for event in events] == [False, False, False, True, True]
    assert not troubles
    found = Recording(tmp_path)
    assert (found.files, found.sessions, found.simulated) == (1, 1, True)
    assert {path.name for path in tmp_path.iterdir()} == {CLOSED, "lock"}


def test_files_are_bounded_and_go_on_where_the_one_before_ended(tmp_path: Path) -> None:
    record(tmp_path, *(pod(number, f"u{number}") for number in range(40)), part_bytes=4096)
    assert len(parts_of(tmp_path)) > 2
    assert all(len(gzip.decompress(path.read_bytes())) < 4096 + 1024 for path in parts_of(tmp_path).values())
    events, troubles = read(tmp_path)
    assert names(events) == [f"u{number}" for number in range(40)]
    assert {event.session for event in events} == {0}
    assert not troubles
    parts_of(tmp_path)[2].unlink()
    events, troubles = read(tmp_path)
    assert 0 < len(events) < 40
    assert troubles == {Trouble.MISSING: 1}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three events after the header."""
    place = record(tmp_path_factory.mktemp("written"), node(0, "spr-1"), pod(1, "u"), state(2, "spr-1"))
    return gzip.decompress((place / CLOSED).read_bytes())


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_killed_at_any_byte_the_whole_lines_are_there_and_another_session_goes_on(
    written: bytes, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    length = data.draw(st.integers(0, len(written)))
    directory = tmp_path_factory.mktemp("killed")
    (directory / PLAIN).write_bytes(written[:length])
    record(directory, pod(9, "after"), session=8)
    events, troubles = read(directory)
    lines = written[:length].count(b"\n")
    assert names(events) == [*["spr-1", "u", "spr-1"][: max(lines - 1, 0)], "after"]
    assert events[-1].session == (1 if lines else 0)
    assert troubles[Trouble.TORN] == (not written[:length].endswith(b"\n") and length > 0)
    assert {path.name for path in directory.iterdir()} == {CLOSED, "events-000002.jsonl.gz", "lock"}


def test_a_kill_while_a_file_is_compressed_loses_and_doubles_nothing(tmp_path: Path, written: bytes) -> None:
    (tmp_path / PLAIN).write_bytes(written)
    (tmp_path / f"{CLOSED}.unfinished").write_bytes(b"half")
    assert names(read(tmp_path)[0]) == ["spr-1", "u", "spr-1"]
    (tmp_path / CLOSED).write_bytes(gzip.compress(written))
    assert names(read(tmp_path)[0]) == ["spr-1", "u", "spr-1"]
    record(tmp_path, session=8)
    assert {path.name for path in tmp_path.iterdir()} == {CLOSED, "events-000002.jsonl.gz", "lock"}
    assert names(read(tmp_path)[0]) == ["spr-1", "u", "spr-1"]


def test_a_file_that_was_cut_off_on_its_way_is_read_up_to_there(tmp_path: Path, written: bytes) -> None:
    whole_file = gzip.compress(written * 20)
    (tmp_path / CLOSED).write_bytes(whole_file[:-9])
    events, troubles = read(tmp_path)
    assert events
    assert troubles[Trouble.CUT_OFF] == 1


def test_lines_that_are_none_or_of_another_kind_are_left_out_and_counted(tmp_path: Path, written: bytes) -> None:
    header, first, *_ = written.splitlines(keepends=True)
    further = json.loads(first) | {"kind": "lease", "more": 1}
    (tmp_path / PLAIN).write_bytes(
        header + b"\xff{\n" + first + b'{"at": "yesterday"}\n' + json.dumps(further).encode() + b"\n"
    )
    events, troubles = read(tmp_path)
    assert names(events) == ["spr-1"]
    assert troubles == {Trouble.TORN: 2, Trouble.OTHER_KIND: 1}


def test_further_fields_of_a_later_release_are_let_pass(tmp_path: Path, written: bytes) -> None:
    header, *lines = written.splitlines()
    document = json.loads(header)
    told = [document | {"region": "eu"}, *(json.loads(line) | {"seen": 3} for line in lines)]
    (tmp_path / PLAIN).write_text("".join(json.dumps(one) + "\n" for one in told))
    events, troubles = read(tmp_path)
    assert names(events) == ["spr-1", "u", "spr-1"]
    assert not troubles


def test_another_form_is_refused_with_a_sentence(tmp_path: Path, written: bytes) -> None:
    (tmp_path / PLAIN).write_bytes(b'{"form": "leeward-recording/2", "eon": 1}\n')
    with pytest.raises(RecordingError, match=f"is of form 'leeward-recording/2', this release reads {FORM}"):
        Recording(tmp_path)
    (tmp_path / PLAIN).write_bytes(written.partition(b"\n")[2])
    with pytest.raises(RecordingError, match="begins with no header of a recording: form: Field required"):
        Recording(tmp_path)


def test_where_there_is_no_recording_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no recording: make one with `leeward eval record"):
        Recording(tmp_path)
    (tmp_path / PLAIN).write_bytes(b'{"form"')
    with pytest.raises(RecordingError, match="holds no recording"):
        Recording(tmp_path)


def test_a_clock_that_steps_back_is_counted_and_the_order_stays(tmp_path: Path) -> None:
    events, troubles = read(record(tmp_path, pod(10, "a"), pod(5, "b"), pod(6, "c"), pod(20, "d")))
    assert names(events) == ["a", "b", "c", "d"]
    assert troubles == {Trouble.STEPPED_BACK: 1}


def test_two_recorders_do_not_write_into_one_directory(tmp_path: Path) -> None:
    with (
        recording_into(tmp_path, session=at(0)),
        pytest.raises(RecordingError, match="another recorder writes into"),
        recording_into(tmp_path, session=at(1)),
    ):
        pass


def test_a_directory_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with (
        pytest.raises(RecordingError, match=r"holds thesis.tex, and no recording: name an empty or a new directory"),
        recording_into(tmp_path, session=at(0)),
    ):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.tex", "lock"}
