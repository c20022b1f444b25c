from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vector import LARGEST_NS
from eval.traces.cells import CellError
from eval.traces.sections import TimeSection
from eval.traces.stamps import Stamps, zone_of

SINCE_1970 = TimeSection(unit="s", zone="UTC", stamps="end")
LOCAL = TimeSection(format="%Y-%m-%d %H:%M:%S.%f", zone="+01:00", stamps="end")
PERF = TimeSection(
    unit="s", since="comment", comment_format="# started on %a %b %d %H:%M:%S %Y", zone="UTC", stamps="end"
)


@given(st.integers(0, LARGEST_NS))
def test_seconds_are_exact_to_the_nanosecond(ns: int) -> None:
    assert Stamps(SINCE_1970).ns(f"{ns // 10**9}.{ns % 10**9:09d}") == ns


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_a_written_time_is_that_of_its_zone(time: datetime) -> None:
    meant = (time.replace(tzinfo=UTC) - timedelta(hours=1) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )
    assert Stamps(LOCAL).ns(time.isoformat(sep=" ", timespec="microseconds")) == meant * 1000


def test_perf_counts_from_its_first_comment_that_says_when() -> None:
    stamps = Stamps(PERF)
    with pytest.raises(CellError, match="no comment line before it says, as '# started on"):
        stamps.ns("1.0")
    for comment in ("# a remark", "# started on Thu Mar 23 17:05:46 2023", "# started on Fri Mar 24 17:05:46 2023"):
        stamps.note(comment)
    assert stamps.ns("     1.000668575") == 1_679_591_147_000_668_575


def test_a_zone_of_the_tz_database_has_its_summer() -> None:
    berlin = LOCAL.model_copy(update={"zone": "Europe/Berlin"})
    winter, summer = (Stamps(berlin).ns(f"2024-{month}-01 12:00:00.0") for month in ("01", "07"))
    assert (winter // 3_600_000_000_000 % 24, summer // 3_600_000_000_000 % 24) == (11, 10)


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "nan", "inf", "1e99", "9" * 30, "9223372037", "9" * 50, "1e1000000000"]
)
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(CellError, match=r"time .* is no"):
        Stamps(SINCE_1970).ns(text)


@pytest.mark.parametrize("text", ["2024-02-30 00:00:00.0", "1969-12-31 12:00:00.0", "2300-01-01 00:00:00.0", "12:00"])
def test_a_date_that_is_none_or_out_of_range_is_named(text: str) -> None:
    with pytest.raises(CellError, match=r"is not written as|is not between 1970 and 2262"):
        Stamps(LOCAL).ns(text)


@pytest.mark.parametrize("zone", ["", "+25:00", "+01:75", "../../etc/passwd", "Mars"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="zone"):
        zone_of(zone)
