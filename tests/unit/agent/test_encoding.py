import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.data.trim_perfmon import trim
from agent.encoding import encode, log_disagreements
from agent.errors import EncodingError
from agent.event_table import EventDefinition, definition
from agent.pmu_sysfs import PERF_TYPE_RAW, PmuNode, core_pmu, read_boxes
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from tests.unit.agent.logged import logged_events
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
    boxes = read_boxes(sys, EVENTS[name].pmu).readable
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
    assert read_boxes(roots.sys, Pmu.CHA).readable == ()


def test_an_old_kernel_says_which_field_it_lacks(tmp_path: Path) -> None:
    roots = build(tmp_path, Machine(old_kernel=True))
    cha, iio, imc = (read_boxes(roots.sys, pmu).readable[0] for pmu in (Pmu.CHA, Pmu.IIO, Pmu.IMC))
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


def test_a_field_goes_by_the_name_that_the_kernel_gives_it() -> None:
    formats = {"event": "config:0-7", "umask": "config:8-15", "thresh": "config:24-31"}
    by_thresh = encode(definition("XQ.FULL_CYCLES"), PmuNode(name="cpu", type=4, formats=formats))
    assert by_thresh.config == 0x100012D


@pytest.mark.parametrize("upper", ["umask_ext", "umask2"])
def test_a_umask_in_two_fields_has_its_lower_bits_in_the_first(upper: str) -> None:
    formats = {"event": "config:0-7", "umask": "config:8-15", upper: "config1:0-23"}
    encoding = encode(definition("UNC_CHA_TOR_INSERTS.IA"), PmuNode(name="uncore_cha_0", type=9, formats=formats))
    assert (encoding.config, encoding.config1) == (0x0135, 0xC001FF)


@pytest.mark.parametrize(
    "place", ["", "config", "config:", "config:15-8", "config:64", "config:a", "config:8-15,", "config:8,8", "\ufffd"]
)
def test_a_place_that_is_none_is_refused(place: str) -> None:
    node = PmuNode(name="uncore_imc_0", type=9, formats={"event": "config:0-7", "umask": place})
    with pytest.raises(EncodingError, match="no place: check its sysfs"):
        encode(definition("UNC_M_CAS_COUNT.WR"), node)


@given(
    bits=st.lists(
        st.tuples(st.sampled_from(["config", "config1", "config2"]), st.integers(0, 63)), min_size=8, unique=True
    ),
    value=st.integers(1, 255),
)
def test_a_value_can_be_gathered_again_from_where_the_format_put_it(bits: list[tuple[str, int]], value: int) -> None:
    word = bits[0][0]
    own = [bit for name, bit in bits if name == word]
    event = EventDefinition(name="X", pmu=Pmu.CHA, fields={"event": value}, counters=frozenset({0}))
    node = PmuNode(name="uncore_cha_0", type=9, formats={"event": f"{word}:{','.join(map(str, own))}"})
    if value.bit_length() > len(own):
        with pytest.raises(EncodingError, match="too few event bits"):
            encode(event, node)
        return
    encoding = encode(event, node)
    words = {"config": encoding.config, "config1": encoding.config1, "config2": encoding.config2}
    assert sum((words[word] >> bit & 1) << index for index, bit in enumerate(own)) == value
    assert sum(number.bit_count() for number in words.values()) == value.bit_count()


def test_two_fields_at_one_place_are_refused() -> None:
    formats = {"event": "config:0-7", "umask": "config:4-11"}
    with pytest.raises(EncodingError, match="umask where another field lies"):
        encode(definition("UNC_M_CAS_COUNT.WR"), PmuNode(name="uncore_imc_0", type=9, formats=formats))


def test_the_kernels_own_encoding_of_what_it_makes_up_comes_first(sys: Path) -> None:
    node = replace(core_pmu(sys), kernel_terms={"slots": {"event": 0x12}, "cache-misses": {"event": 0x34}})
    assert encode(definition("TOPDOWN.SLOTS"), node).config == 0x12
    assert encode(definition("LONGEST_LAT_CACHE.MISS"), node).config == 0x412E


def test_a_kernel_that_names_events_and_no_metric_has_none(sys: Path) -> None:
    node = replace(core_pmu(sys), kernel_terms={"instructions": {"event": 0xC0}})
    with pytest.raises(EncodingError, match="no top-down metrics here"):
        encode(definition("PERF_METRICS.MEMORY_BOUND"), node)
    assert encode(definition("TOPDOWN.SLOTS"), node).config == 0x400


def test_a_kernel_without_constraints_is_given_what_fits_everywhere(sys: Path) -> None:
    node = replace(core_pmu(sys), kernel_table="generic_arch_v5+")
    for name in ("XQ.FULL_CYCLES", "MEM_LOAD_RETIRED.L3_MISS"):
        with pytest.raises(EncodingError, match=r"generic_arch_v5\+.*upgrade"):
            encode(definition(name), node)
    for name in ("CPU_CLK_UNHALTED.DISTRIBUTED", "INST_RETIRED.ANY", "TOPDOWN.SLOTS_P"):
        assert encode(definition(name), node).config


def test_a_differing_encoding_is_logged(sys: Path) -> None:
    node = PmuNode(name="uncore_imc_0", type=9, kernel_terms={"clockticks": {"event": 1}})
    with logged_events() as events:
        log_disagreements([definition("UNC_M_CLOCKTICKS"), definition("UNC_M_CAS_COUNT.WR")], node)
    (logged,) = events
    assert logged.name == "encodings-differ"
    assert logged.fields == {
        "pmu": "uncore_imc_0",
        "counter": "UNC_M_CLOCKTICKS",
        "kernel": {"event": 1},
        "vendor": {"event": 1, "umask": 1},
    }


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
