import json
from pathlib import Path

import pytest

from agent.data.trim_perfmon import trim
from agent.encoding import PERF_TYPE_RAW, PmuNode, core_pmu, encode, uncore_boxes
from agent.errors import EncodingError
from agent.event_table import definition
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from tests.unit.agent.machine_tree import Machine, build

EXPECTED = json.loads((Path(__file__).parent / "data/encodings.json").read_text())


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    return build(tmp_path, Machine(cores=1)).sys


@pytest.mark.parametrize("name", sorted(EXPECTED["core"]))
def test_core_encodings_agree_with_an_independent_computation(sys: Path, name: str) -> None:
    encoding = encode(definition(name), core_pmu(sys))
    expected = EXPECTED["core"][name]
    assert (encoding.config, encoding.config1) == (int(expected["config"], 0), int(expected["config1"], 0))
    assert encoding.type == PERF_TYPE_RAW


@pytest.mark.parametrize("name", sorted(EXPECTED["uncore"]))
def test_uncore_encodings_agree_with_an_independent_computation(sys: Path, name: str) -> None:
    boxes = uncore_boxes(sys, EVENTS[name].pmu)
    assert {encode(definition(name), box).config for box in boxes} == {int(EXPECTED["uncore"][name]["config"], 0)}
    assert all(box.name.startswith(EXPECTED["uncore"][name]["pmu"] + "_") for box in boxes)


@pytest.mark.parametrize("name", sorted({**EXPECTED["core"], **EXPECTED["uncore"]}))
def test_counters_are_the_vendors(name: str) -> None:
    counter = {**EXPECTED["core"], **EXPECTED["uncore"]}[name]["counter"]
    fixed = counter.startswith("Fixed")
    assert definition(name).counters == (frozenset() if fixed else frozenset(map(int, counter.split(","))))


def test_every_countable_event_of_the_contract_is_known() -> None:
    countable = [name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu not in {Pmu.NODE, Pmu.RESCTRL}]
    assert all(definition(name).pmu is EVENTS[name].pmu for name in countable)


@pytest.mark.parametrize(
    ("metric", "config"),
    [("BACKEND_BOUND", 0x8300), ("BRANCH_MISPREDICTS", 0x8500), ("FETCH_LATENCY", 0x8600), ("MEMORY_BOUND", 0x8700)],
)
def test_top_down_metrics_have_the_kernels_encodings(sys: Path, metric: str, config: int) -> None:
    assert encode(definition(f"PERF_METRICS.{metric}"), core_pmu(sys)).config == config


def test_an_unknown_event_says_where_to_add_it() -> None:
    with pytest.raises(EncodingError, match="trim_perfmon"):
        definition("NO.SUCH_EVENT")


def test_without_a_core_pmu_the_architectures_own_encoding_is_tried(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(core_pmu=False, boxes={}))
    assert core_pmu(roots.sys).type == PERF_TYPE_RAW
    assert encode(definition("XQ.FULL_CYCLES"), core_pmu(roots.sys)).config == 0x100012D
    assert uncore_boxes(roots.sys, Pmu.CHA) == ()


def test_boxes_come_in_numeric_order_with_their_packages_cpus(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(boxes={"cha": 11}))
    boxes = uncore_boxes(roots.sys, Pmu.CHA)
    assert [box.name for box in boxes] == [f"uncore_cha_{number}" for number in range(11)]
    assert {box.cpus for box in boxes} == {(0, 2)}


def test_an_old_kernel_says_which_field_it_lacks(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(old_kernel=True))
    cha, iio, imc = (uncore_boxes(roots.sys, pmu)[0] for pmu in (Pmu.CHA, Pmu.IIO, Pmu.IMC))
    assert cha.name == "uncore_type_0_0"
    with pytest.raises(EncodingError, match="too few umask bits"):
        encode(definition("UNC_CHA_TOR_INSERTS.IA"), cha)
    with pytest.raises(EncodingError, match="ch_mask"):
        encode(definition("UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS"), iio)
    assert encode(definition("UNC_M_CAS_COUNT.ALL"), imc).config == 0xFF05


def test_fields_land_where_the_format_says() -> None:
    elsewhere = PmuNode(name="uncore_imc_0", type=9, formats={"event": "config1:4-11", "umask": "config2:0-3,60-63"})
    encoding = encode(definition("UNC_M_CAS_COUNT.WR"), elsewhere)
    assert (encoding.config, encoding.config1, encoding.config2) == (0, 0x50, 0xF << 60)


def test_a_word_that_perf_event_open_lacks_is_refused() -> None:
    strange = PmuNode(name="uncore_imc_0", type=9, formats={"event": "config9:0-7", "umask": "config:8-15"})
    with pytest.raises(EncodingError, match="config9"):
        encode(definition("UNC_M_CAS_COUNT.WR"), strange)


def test_trimming_keeps_wanted_events_and_drops_prose() -> None:
    document: dict[str, object] = {
        "Header": {"Version": "1.39"},
        "Events": [
            {"EventName": "B.WANTED", "EventCode": "0x01", "PublicDescription": "long"},
            {"EventName": "A.OTHER", "EventCode": "0x02"},
        ],
    }
    assert trim(document, frozenset({"B.WANTED"})) == {
        "Header": {"Version": "1.39"},
        "Events": [{"EventName": "B.WANTED", "EventCode": "0x01"}],
    }
