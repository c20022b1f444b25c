import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.vector import FeatureVector
from contracts.vector_arrow import from_arrow, to_arrow
from eval.traces.errors import TableError, TracesError
from eval.traces.import_table import BAD_ROW, BAD_TIME, Imported, import_table
from eval.traces.mapping import read_mapping
from eval.traces.refusal import Refusals
from eval.traces.vectors import NOT_IN_THE_TABLE, NOT_MEASURED
from tests.unit.eval.traces.own_table import OWN, mapping_file, second, table_file

LONG = OWN.replace('kind = "wide"', 'kind = "long"\nfields = ["time", "value", "unit", "event"]')
NEW_YEAR_NS = 1_767_225_600_000_000_000


def imported(directory: Path, table: Path, text: str = OWN) -> tuple[Imported, Refusals]:
    refusals = Refusals()
    mapping = read_mapping(mapping_file(directory, text))
    return import_table(table, mapping, refusals=refusals, beside=directory), refusals


def values(vector: FeatureVector, *names: str) -> list[float]:
    return [round(vector.value(name), 6) for name in names]


def test_rows_become_windows_and_windows_features(tmp_path: Path) -> None:
    rows = [second(1), second(2, misses=50), second(3), second(4)]
    done, refusals = imported(tmp_path, table_file(tmp_path, rows))
    assert [(each.node, each.domain, each.window_start_ns - NEW_YEAR_NS) for each in done.vectors] == [
        ("lab-1", "socket0", 0),
        ("lab-1", "socket0", 2_000_000_000),
    ]
    assert {each.window_length_ns for each in done.vectors} == {2_000_000_000}
    first, second_window = (
        values(each, "l3_miss_ratio", "llc_occupancy_share", "dram_utilisation") for each in done.vectors
    )
    assert (first, second_window) == ([0.5, 0.5, 0.2], [0.25, 0.5, 0.2])
    assert (refusals.total, done.incomplete, done.rows) == (0, 0, 4)
    assert done.features == {"l3_miss_ratio": 2, "llc_occupancy_share": 2, "dram_utilisation": 2}


def test_counts_are_summed_first_and_the_quotient_is_taken_after(tmp_path: Path) -> None:
    busy, idle = second(1, misses=9990) | {"hits": 10}, second(2, misses=0) | {"hits": 90}
    done, _ = imported(tmp_path, table_file(tmp_path, [busy, idle]))
    assert done.vectors[0].value("l3_miss_ratio") == np.float32(9990 / 10090)


def test_of_a_level_a_window_has_the_mean(tmp_path: Path) -> None:
    rows = [second(1) | {"occupied": 20}, second(2) | {"occupied": 40}]
    done, _ = imported(tmp_path, table_file(tmp_path, rows))
    assert values(done.vectors[0], "llc_occupancy_share") == [0.3]


def test_what_the_table_lacks_is_missing_and_never_zero(tmp_path: Path) -> None:
    rows = [{key: value for key, value in second(time).items() if key != "occupied"} for time in (1, 2)]
    rows[0]["dram"] = ""
    done, _ = imported(tmp_path, table_file(tmp_path, rows))
    assert done.vectors[0].present_count == 1
    assert not (done.vectors[0].values == 0.0).any()
    assert done.missing["llc_occupancy_share", NOT_IN_THE_TABLE] == 1
    assert done.missing["dram_utilisation", NOT_MEASURED] == 1


@pytest.mark.parametrize(("misses", "reason"), [(0, "a quotient by zero"), (-1, "not measured in the window")])
def test_why_a_feature_is_missing_is_counted(tmp_path: Path, misses: int, reason: str) -> None:
    rows = [second(time, misses=misses) | {"hits": 0} for time in (1, 2)]
    done, _ = imported(tmp_path, table_file(tmp_path, rows))
    assert done.missing["l3_miss_ratio", reason] == 1


def test_a_value_outside_the_contracts_range_is_missing_and_counted(tmp_path: Path) -> None:
    text = OWN.replace("llc_bytes = 104857600", "llc_bytes = 1048576")
    done, _ = imported(tmp_path, table_file(tmp_path, [second(1), second(2)]), text)
    assert math.isnan(done.vectors[0].value("llc_occupancy_share"))
    assert done.missing["llc_occupancy_share", "outside its range"] == 1


def test_noise_just_outside_is_clamped(tmp_path: Path) -> None:
    text = OWN.replace("llc_bytes = 104857600", "llc_bytes = 52000000")
    done, _ = imported(tmp_path, table_file(tmp_path, [second(1), second(2)]), text)
    assert done.vectors[0].value("llc_occupancy_share") == 1.0


def test_columns_that_match_a_star_are_summed(tmp_path: Path) -> None:
    text = OWN.replace('column = "misses"', 'column = "*misses"')
    rows = [second(time) | {"core 0 misses": 20, "core 1 misses": 30} for time in (1, 2)]
    done, _ = imported(tmp_path, table_file(tmp_path, rows), text)
    assert values(done.vectors[0], "l3_miss_ratio") == [round(60 / 90, 6)]


def test_a_share_is_averaged_by_what_it_is_a_share_of(tmp_path: Path) -> None:
    text = (
        OWN.replace('column = "misses", unit = "count"', 'column = "missed", unit = "%", weight = "hits"')
        .replace('"MEM_LOAD_RETIRED.L3_MISS" = "misses"\n', "")
        .replace("[features]", '[features]\nl3_miss_ratio = "misses"')
    )
    rows = [second(1) | {"missed": 10, "hits": 100}, second(2) | {"missed": 90, "hits": 300}]
    done, _ = imported(tmp_path, table_file(tmp_path, rows), text)
    assert values(done.vectors[0], "l3_miss_ratio") == [0.7]


def test_a_bad_cell_is_named_and_costs_its_window_alone(tmp_path: Path) -> None:
    rows = [second(time) for time in range(1, 8)]
    rows[2]["misses"] = "<<<<<<< HEAD"
    done, refusals = imported(tmp_path, table_file(tmp_path, rows))
    assert [(each.window_start_ns - NEW_YEAR_NS) // 10**9 for each in done.vectors] == [0, 3, 5]
    assert dict(refusals.counts) == {BAD_ROW: 1}
    assert (refusals.shown[0].file, refusals.shown[0].row) == ("table.csv", 4)
    assert "column 'misses' is '<<<<<<< HEAD'" in refusals.shown[0].reason


def test_a_torn_row_is_refused(tmp_path: Path) -> None:
    path = table_file(tmp_path, [second(1), second(2)])
    path.write_text(path.read_text() + "3,10\n4,1,1,1,1,,,,9\n")
    _, refusals = imported(tmp_path, path)
    assert [each.reason for each in refusals.shown] == [
        "the row has 2 cells, the header 7 columns: it is torn",
        "the row has 9 cells, the header 7 columns: cells are separated in another way",
    ]


@pytest.mark.parametrize(("time", "sentence"), [(2, "not later"), (1, "not later"), (2.4, "0.4 intervals after")])
def test_time_goes_forward(tmp_path: Path, time: float, sentence: str) -> None:
    rows = [second(1), second(2), second(3) | {"time": time}, second(3), second(4)]
    done, refusals = imported(tmp_path, table_file(tmp_path, rows))
    assert len(done.vectors) == 2
    assert (dict(refusals.counts), refusals.shown[0].row) == ({BAD_TIME: 1}, 4)
    assert sentence in refusals.shown[0].reason


def test_a_gap_ends_a_window_without_completing_it(tmp_path: Path) -> None:
    done, _ = imported(tmp_path, table_file(tmp_path, [second(time) for time in (1, 5, 6, 7)]))
    assert [(each.window_start_ns - NEW_YEAR_NS) // 10**9 for each in done.vectors] == [4]
    assert done.incomplete == 2


def test_windows_of_an_unsteady_clock_neither_overlap_nor_leave_gaps(tmp_path: Path) -> None:
    rows = [second(1) | {"time": time} for time in (1.0, 1.999, 3.003, 4.0, 4.998, 6.0)]
    done, _ = imported(tmp_path, table_file(tmp_path, rows))
    ends = [each.window_end_ns for each in done.vectors]
    assert [each.window_start_ns for each in done.vectors][1:] == ends[:-1]


def test_times_may_stamp_the_start(tmp_path: Path) -> None:
    done, _ = imported(
        tmp_path, table_file(tmp_path, [second(1), second(2)]), OWN.replace('stamps = "end"', 'stamps = "start"')
    )
    assert (done.vectors[0].window_start_ns - NEW_YEAR_NS) // 10**9 == 1


def test_domains_stand_side_by_side_or_one_under_the_other(tmp_path: Path) -> None:
    domains = '[table.domains]\nsocket0 = "S0"\nsocket1 = "S1"\n\n[time]'
    wide = OWN.replace("[time]", domains).replace('column = "misses"', 'column = "{domain} misses"')
    rows = [second(time) | {"S0 misses": 30, "S1 misses": 90} for time in (1, 2)]
    side, _ = imported(tmp_path, table_file(tmp_path, rows), wide)
    long = LONG.replace("[time]", domains).replace('"time", "value"', '"time", "domain", "value"')
    lines = [
        f"{t},{s},{v},,{e}"
        for t in (1, 2)
        for s, m in (("S0", 30), ("S1", 90))
        for v, e in ((m, "misses"), (30, "hits"))
    ]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(lines))
    under, _ = imported(tmp_path, path, long)
    for done in (side, under):
        assert [(each.domain, each.value("l3_miss_ratio")) for each in done.vectors] == [
            ("socket0", 0.5),
            ("socket1", 0.75),
        ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("2,5", "the row has 2 cells, 4 at least are meant"),
        ("2,5,GB,misses", "misses is in 'GB', the mapping says 'count'"),
        ("2,5,,misses", "misses stands twice at this time"),
        ("2,many,,misses", "the value of 'misses' is 'many'"),
        ("soon,5,,misses", "time 'soon' is no number of s"),
    ],
)
def test_a_long_row_that_can_not_be_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    lines = ["1,30,,misses", "1,30,,hits", "2,30,,hits", "2,30,,misses", line]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(lines))
    done, refusals = imported(tmp_path, path, LONG)
    assert values(done.vectors[0], "l3_miss_ratio") == [0.5]
    assert [(each.row, each.reason.startswith(sentence)) for each in refusals.shown] == [(5, True)], refusals.shown


def test_an_event_that_hardly_ran_is_missing(tmp_path: Path) -> None:
    text = LONG.replace('"unit", "event"', '"unit", "event", "running_percent"')
    lines = [f"{t},30,,{event},{share}" for t in (1, 2) for event, share in (("hits", 100), ("misses", share_of(t)))]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(lines))
    done, _ = imported(tmp_path, path, text)
    assert done.missing["l3_miss_ratio", NOT_MEASURED] == 1


def share_of(time: int) -> float:
    return 100.0 if time == 1 else 4.9


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no rows under its header"),
        ("time,cpu\n1,2\n", "has none of the mapping's columns; its header, 1 line.s., says time, cpu"),
        ("misses,hits\n1,2\n", "the time stands in 'time', which the header lacks; it says misses, hits"),
        ("time,misses,misses\n1,2,3\n", "column 'misses' stands 2 times in the header"),
        ("time,misses\n1,2\n", "holds no whole window of 2 s: 1 row.s. read, 0 refused, 1 sample"),
        ("time,misses\n1,x\n2,y\n", "2 refused .first, line 2: column 'misses' is 'x'"),
    ],
)
def test_a_table_that_is_not_the_mappings_is_told(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(TableError, match=sentence):
        imported(tmp_path, path)


cells = st.one_of(
    st.integers(0, 10**12).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(
        ["", "N/A", "1,5", "1.000.000", "-3", "18446744073.70", "\u00e9", "1e400", "NaN", '"', "# x", "<<<<<<< HEAD"]
    ),
    st.text(max_size=5),
)
HARD = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HARD
@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=6), max_size=12),
    encoding=st.sampled_from(["utf-8", "latin-1", "utf-16"]),
)
@pytest.mark.parametrize("text", [OWN, LONG], ids=["wide", "long"])
def test_any_table_is_refused_with_a_reason_or_reads_back_as_the_contract(
    tmp_path: Path, text: str, rows: list[list[str]], encoding: str
) -> None:
    timed = [[str(time), *row] for time, row in enumerate(rows, start=1)]
    content = "\n".join([",".join(["time", "misses", "hits", "occupied", "dram"]), *(",".join(row) for row in timed)])
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode(encoding, errors="replace"))
    refusals = Refusals(kept=1000)
    mapping = read_mapping(mapping_file(tmp_path, text))
    with contextlib.suppress(TracesError):  # any other error fails
        done = import_table(path, mapping, refusals=refusals, beside=tmp_path)
        assert from_arrow(to_arrow(done.vectors)) == done.vectors
    assert all(each.reason and each.row > 0 for each in refusals.shown)


counts = st.one_of(st.integers(0, 10**9), st.just(""), st.just("nan"))


@HARD
@given(
    rows=st.lists(
        st.fixed_dictionaries(dict.fromkeys(("misses", "hits", "occupied", "dram"), counts)), min_size=2, max_size=9
    )
)
def test_a_long_table_says_what_the_wide_one_says(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    wide_rows = [{"time": time, **row} for time, row in enumerate(rows, start=1)]
    wide, _ = imported(tmp_path, table_file(tmp_path, wide_rows), OWN)
    path = tmp_path / "long.csv"
    path.write_text("\n".join(f"{row['time']},{row[name]},,{name}" for row in wide_rows for name in rows[0]))
    long, _ = imported(tmp_path, path, LONG)
    assert long.vectors == wide.vectors
    assert (long.features, long.missing, long.incomplete) == (wide.features, wide.missing, wide.incomplete)
