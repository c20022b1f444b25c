import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.campaign.errors import CampaignError
from eval.campaign.lab.indicators import Indicators
from eval.campaign.lab.schedule import STEP_COLUMNS, Lab, Purpose, read_schedule, time_ns

LAB = """
campaign = "lab"
[workloads.upf]
group = "upf"
indicator = "latency_p99"
[workloads.batch]
group = "batch"
indicator = "throughput"
"""
FIRST = "one,rows,node-1,socket0,2026-03-01T10:00:00Z,2026-03-01T10:01:00Z,upf"


def written(directory: Path, *steps: str, lab: str = LAB) -> Path:
    (directory / "lab.toml").write_text(lab)
    (directory / "steps.csv").write_text("\n".join([",".join(STEP_COLUMNS), *steps, ""]))
    return directory


def test_a_step_says_who_ran_where_and_when(tmp_path: Path) -> None:
    schedule = read_schedule(
        written(tmp_path, FIRST, "one,profile,node-1,socket0,1772359260,1772359320.5,upf membw@0.5 batch")
    )
    first, second = schedule.steps
    assert (first.experiment, first.purpose, first.node, first.domain) == ("one", Purpose.ROWS, "node-1", "socket0")
    assert first.end_ns == second.begin_ns == 1_772_359_260_000_000_000
    assert second.end_ns == 1_772_359_320_500_000_000
    assert [each.key for each in second.occupants] == ["upf", "stressor-membw-050", "batch"]
    stressor = second.occupants[1].injection
    assert stressor is not None
    assert (stressor.axis, stressor.intensity) == (Axis.MEMBW, 0.5)
    assert schedule.lab.settling_ns == 10_000_000_000


def test_nobody_on_a_domain_is_a_step_too(tmp_path: Path) -> None:
    assert read_schedule(written(tmp_path, FIRST.removesuffix("upf"))).steps[0].occupants == ()


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([FIRST.replace("upf", "amf")], r"line 2: amf is no workload of lab\.toml: there are upf, batch"),
        ([FIRST + " upf"], r"line 2: somebody stands twice in 'upf upf'"),
        ([FIRST + " heat@0.5"], r"no axis is called 'heat'"),
        ([FIRST + " llc@much"], r"an intensity is a number"),
        ([FIRST + " llc@1.5"], r"an intensity lies above 0 and is 1 at most"),
        ([FIRST.replace("rows", "row")], r"its purpose is 'row': profile or rows is meant"),
        ([FIRST.replace("T10:01", "T09:01")], r"which is not after its beginning"),
        ([FIRST.replace("00Z", "00")], r"has no time zone"),
        ([FIRST.replace("2026-03-01T10:00:00Z", "ten")], r"'ten' is no time"),
        ([FIRST + ",more"], r"line 2: 7 cells are meant"),
        (["one,rows"], r"line 2: 7 cells are meant"),
        ([FIRST, FIRST.replace("one", "two")], r"line 3: it begins before an earlier step of node-1/socket0 has ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_makes_no_sense_is_named_with_its_line(tmp_path: Path, steps: list[str], sentence: str) -> None:
    with pytest.raises(CampaignError, match=sentence):
        read_schedule(written(tmp_path, *steps))


@pytest.mark.parametrize(
    ("lab", "sentence"),
    [
        ("campaign = ", r"lab\.toml is no TOML"),
        (LAB.replace("throughput", "speed"), r"lab\.toml: workloads\.batch\.indicator"),
        (LAB.replace('"lab"', '"../lab"'), r"a campaign can't be called '\.\./lab'"),
        ('campaign = "lab"\nworkloads = {}', r"lab\.toml: workloads"),
        ("settling = 3\n" + LAB, r"lab\.toml: settling"),
    ],
    ids=["torn", "indicator", "name", "nobody", "unknown key"],
)
def test_a_lab_that_makes_no_sense_is_named(tmp_path: Path, lab: str, sentence: str) -> None:
    with pytest.raises(CampaignError, match=sentence):
        read_schedule(written(tmp_path, FIRST, lab=lab))


def test_missing_files_and_foreign_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"lab\.toml is missing: docs/campaigns\.md"):
        read_schedule(tmp_path)
    written(tmp_path, FIRST)
    (tmp_path / "steps.csv").write_text("node,begin\n")
    with pytest.raises(CampaignError, match="its columns are"):
        read_schedule(tmp_path)
    (tmp_path / "steps.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(CampaignError, match="no CSV in UTF-8"):
        read_schedule(tmp_path)


@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_times_are_read_to_the_microsecond_whatever_their_zone(naive: datetime, offset_minutes: int) -> None:
    time = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    exact = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert time_ns(time.isoformat()) == exact
    if exact >= 0:
        assert time_ns(f"{exact // 10**9}.{exact % 10**9:09d}") == exact


def test_the_documented_example_is_read_as_it_stands(tmp_path: Path) -> None:
    page = (Path(__file__).parents[5] / "docs" / "campaigns.md").read_text()
    (lab,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    steps, values = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    for name, content in (("lab.toml", lab), ("steps.csv", steps), ("indicators.csv", values)):
        (tmp_path / name).write_text(content)
    schedule = read_schedule(tmp_path)
    assert [len(step.occupants) for step in schedule.steps] == [1, 2, 0, 1, 2]
    assert schedule.lab == Lab(campaign="oslo-2026-03", workloads=schedule.lab.workloads)
    Indicators(tmp_path / "indicators.csv", tolerance_ns=0)
