import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import agent.data
from agent.errors import EncodingError
from agent.event_table import definition, read_event_files

SHIPPED = Path(agent.data.__file__).parent


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for path in SHIPPED.glob("*.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_shipped_files_are_understood_whole() -> None:
    table = read_event_files(SHIPPED)
    assert table.faults == ()
    assert definition("XQ.FULL_CYCLES", table) == definition("XQ.FULL_CYCLES")


def test_a_file_that_lacks_an_event_says_how_to_add_it(files: Path) -> None:
    path = files / "sapphirerapids_core.json"
    document = json.loads(path.read_text())
    document["Events"] = [event for event in document["Events"] if event["EventName"] != "XQ.FULL_CYCLES"]
    path.write_text(json.dumps(document))
    table = read_event_files(files)
    with pytest.raises(EncodingError, match=r"'XQ.FULL_CYCLES' is not in agent/data: run python -m agent.data"):
        definition("XQ.FULL_CYCLES", table)
    assert definition("LONGEST_LAT_CACHE.MISS", table).fields


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text()[:500]),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text('{"Events": 7}'),
    ],
    ids=["absent", "torn", "no-text", "a-list", "no-events"],
)
def test_a_broken_file_takes_only_its_own_events_along(files: Path, damage: Callable[[Path], object]) -> None:
    damage(files / "sapphirerapids_core.json")
    table = read_event_files(files)
    assert len(table.faults) == 1
    with pytest.raises(EncodingError, match=r"sapphirerapids_core.json .*install the agent again"):
        definition("XQ.FULL_CYCLES", table)
    assert definition("UNC_M_CAS_COUNT.ALL", table).fields
    assert definition("PERF_METRICS.MEMORY_BOUND", table).is_metric


@pytest.mark.parametrize(
    "entry", [7, {}, {"EventName": "X"}, {"EventName": "X", "Counter": "a"}, {"EventName": "X", "Unit": "?"}], ids=str
)
def test_a_broken_entry_is_left_out_alone(files: Path, entry: object) -> None:
    path = files / "sapphirerapids_core.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({"Events": [entry, *document["Events"]]}))
    table = read_event_files(files)
    assert len(table.faults) == 1
    assert "entry that is no event" in table.faults[0]
    assert table.events.keys() == read_event_files(SHIPPED).events.keys()
