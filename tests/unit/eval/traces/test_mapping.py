import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from contracts.events import EVENTS
from contracts.features import FEATURE_SCHEMA_V1
from eval.traces.errors import MappingError
from eval.traces.frequency import carries_frequency
from eval.traces.mapping import SHIPPED, read_mapping
from tests.unit.eval.traces.own_table import LABEL, OWN, mapping_file

ROUND_IT = """
extends = "{base}"
campaign = "a"
[time]
zone = "UTC"
[node]
name = "n"
cpu_vendor = "GenuineIntel"
cpu_family = 6
cpu_model = 143
"""


@pytest.mark.parametrize("base", SHIPPED)
def test_a_shipped_mapping_needs_a_zone_a_node_and_a_campaign(base: str, tmp_path: Path) -> None:
    mapping = read_mapping(mapping_file(tmp_path, ROUND_IT.format(base=base)))
    assert (mapping.node.characterised, mapping.campaign_name, mapping.table.window_seconds) == (True, "a", 10.0)
    with pytest.raises(MappingError, match=r"mapping\.toml: "):
        read_mapping(mapping_file(tmp_path, f'extends = "{base}"'))


def test_every_shipped_mapping_is_named() -> None:
    folder = files("eval.traces") / "mappings"
    assert sorted(SHIPPED) == sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())


@pytest.mark.parametrize("base", SHIPPED)
def test_shipped_mappings_name_the_contract_and_no_clock(base: str) -> None:
    content = tomllib.loads((files("eval.traces") / "mappings" / f"{base}.toml").read_text(encoding="utf-8"))
    assert content.get("events", {}).keys() <= EVENTS.keys()
    assert content.get("features", {}).keys() <= set(FEATURE_SCHEMA_V1.names)
    assert not any(carries_frequency(column["column"]) for column in content.get("columns", {}).values())


def test_a_cpu_that_is_not_characterised_marks_the_campaign(tmp_path: Path) -> None:
    mapping = read_mapping(mapping_file(tmp_path, OWN.replace("cpu_model = 143", "cpu_model = 85")))
    assert (mapping.node.characterised, mapping.campaign_name) == (False, "foreign:lab")


def test_a_file_beside_it_can_be_extended_key_by_key(tmp_path: Path) -> None:
    mapping_file(tmp_path, OWN, "base.toml")
    mapping = read_mapping(mapping_file(tmp_path, 'extends = "base.toml"\n[table]\nwindow_seconds = 4.0\n'))
    assert (mapping.table.window_seconds, mapping.table.interval_seconds, mapping.campaign) == (4.0, 1.0, "lab")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("extends = 3", "extends = 3: pcm, pcm_memory"),
        ('extends = "likwid"', "are shipped, or name a file that ends in .toml"),
        ('extends = "mapping.toml"', "more than 4 deep"),
        ('extends = "lost.toml"', "No such file or directory; name a TOML file"),
        ("campaign = ", "is no TOML"),
    ],
)
def test_what_can_not_be_extended_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(MappingError, match=sentence):
        read_mapping(mapping_file(tmp_path, text))


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ('column = "misses", unit = "count"', 'column = "misses"', r"columns\.misses\.unit: Field required"),
        ('column = "misses", unit = "count"', 'column = "misses", unit = "kilo"', "which is no unit here"),
        ('column = "misses", unit = "count"', 'column = "misses", unit = "GHz"', "a frequency is no feature"),
        ('column = "misses", unit = "count"', 'column = "S0|AFREQ", unit = "share"', "carries the core clock"),
        ('column = "misses", unit = "count"', 'column = "misses", unit = "share"', "a mean of shares is no share"),
        ('column = "misses", unit = "count"', 'column = "misses", unit = "count", weight = "hits"', "only a share has"),
        (
            'column = "misses", unit = "count"',
            'column = "misses", unit = "%", weight = "lost"',
            "its weight lost is not in",
        ),
        ('column = "misses", unit = "count"', 'column = "misses", unit = "GB"', r"is in \[byte\]"),
        ("misses = {", "ipc = {", r"\[columns\] maps 'ipc', which carries the core clock"),
        ("misses = {", "L3.MISS = {", "columns"),
        ('"MEM_LOAD_RETIRED.L3_MISS" = "misses"', '"MSR.APERF" = "misses"', "no feature is made of it"),
        ("window_seconds = 2.0", "window_seconds = 2.5", "no whole number of intervals"),
        ("window_seconds = 2.0", "window_seconds = 0.0", "table.window_seconds: Input should be greater than 0"),
        ('kind = "wide"', 'kind = "long"', "a long table needs the fields time, value and event"),
        ('kind = "wide"', 'kind = "wide"\ncolour = "red"', "table.colour: Extra inputs"),
        ('unit = "s"\n', "", "either format or unit says how times are written"),
        ('unit = "s"\n', 'format = "%H"\n', "written without a zone: name it in zone"),
        ('unit = "s"\n', 'unit = "s"\nzone = "Mars/Olympus"\n', "zone 'Mars/Olympus' is not known here"),
        ("since = 2026-01-01T00:00:00Z", "since = 2026-01-01T00:00:00", "should have timezone info"),
        ("since = 2026-01-01T00:00:00Z", 'since = "comment"', "needs comment_format"),
        ("cpu_model = 143", "cpu_model = 143\nllc_bytes = 0", "TOML"),
        ('campaign = "lab"', f'campaign = "{"a" * 56}"', "at most 55 characters"),
    ],
)
def test_a_mapping_that_can_not_be_is_refused_in_a_sentence(
    tmp_path: Path, was: str, becomes: str, sentence: str
) -> None:
    assert was in OWN
    with pytest.raises(MappingError, match=sentence):
        read_mapping(mapping_file(tmp_path, OWN.replace(was, becomes, 1)))


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ('domain = "socket0"', 'domain = "socket1"', r"\[label\] domain = 'socket1'"),
        ('group = "firewall"', 'group = ""', "group: String should have at least 1 character"),
        ('parties = ["stress"]', 'parties = ["batch"]', "names batch, which .label.parties. lacks"),
        ('parties = ["stress"]', 'parties = ["stress", "stress"]', "names a party twice"),
        ('parties = ["stress"]', 'parties = ["stress"]\narrived = "firewall"', "arrived and is not among its parties"),
        ('phase_column = "phase"', "", "has no starts, and no phase_column tells phases"),
        ('column = "rate"', 'column = "IPC"', "carries the core clock"),
        ('unit = "millions/s"', 'unit = "pps"', "'pps', which is no unit here"),
        ('kind = "throughput"', 'kind = "latency_p99"', "quantiles can't be averaged"),
        ('kind = "throughput"', 'kind = "cpi"', "Input should be 'throughput'"),
    ],
)
def test_a_label_that_can_not_be_is_refused_in_a_sentence(
    tmp_path: Path, was: str, becomes: str, sentence: str
) -> None:
    assert was in LABEL
    with pytest.raises(MappingError, match=sentence):
        read_mapping(mapping_file(tmp_path, OWN + LABEL.replace(was, becomes, 1)))


LONG = OWN.replace('kind = "wide"', 'kind = "long"\nfields = ["time", "value", "event", "domain"]')


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ('column = "misses"', 'column = "*misses"', "in a long table a column is one event"),
        ('column = "misses"', 'column = "HITS"', "and no other one's; use it twice in .events. instead"),
        ("[time]", '[table.domains]\nsocket0 = "S0"\nsocket1 = "S0"\n[time]', "each stands for one domain"),
    ],
)
def test_in_a_long_table_each_column_is_one_event(tmp_path: Path, was: str, becomes: str, sentence: str) -> None:
    with pytest.raises(MappingError, match=sentence):
        read_mapping(mapping_file(tmp_path, LONG.replace(was, becomes, 1)))


def test_two_parties_are_not_judged_by_one_column(tmp_path: Path) -> None:
    both = LABEL + 'indicator = { kind = "throughput", column = "rate", unit = "millions/s" }\n'
    with pytest.raises(MappingError, match="'rate' is another party's, too"):
        read_mapping(mapping_file(tmp_path, OWN + both))


def test_a_mapping_that_makes_nothing_is_refused(tmp_path: Path) -> None:
    text = OWN[: OWN.index("[events]")] + OWN[OWN.index("[node]") :]
    with pytest.raises(MappingError, match="makes nothing of the table: map a column"):
        read_mapping(mapping_file(tmp_path, text))
