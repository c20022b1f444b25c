from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.axis import Axis
from contracts.profile import Tier, WorkloadProfile
from contracts.slowdown import SLOWDOWN_FLOOR
from contracts.trace import Provenance
from eval.traces.import_table import Imported, import_table
from eval.traces.labels import UNLABELLED
from eval.traces.mapping import read_mapping
from eval.traces.output import write_imported
from eval.traces.refusal import Refusals
from eval.traces.validate import validate
from pipelines.dataset import TraceDataset, read_dataset
from tests.unit.eval.traces.own_table import LABEL, OWN, mapping_file, measurement, second, table_file

LABELLED = OWN + LABEL


def imported(directory: Path, rows: list[dict[str, object]], text: str = LABELLED) -> tuple[Imported, Refusals]:
    refusals = Refusals()
    mapping = read_mapping(mapping_file(directory, text))
    return import_table(table_file(directory, rows), mapping, refusals=refusals, beside=directory), refusals


def reasons(refusals: Refusals) -> str:
    assert set(refusals.counts) <= {UNLABELLED}
    return "\n".join(each.reason for each in refusals.shown)


def test_a_measurement_in_phases_gives_labelled_traces(tmp_path: Path) -> None:
    done, refusals = imported(tmp_path, measurement())
    company = [row for row in done.traces if row.co_runners]
    assert (len(done.vectors), len(company)) == (10, 2)
    row = company[0]
    assert (row.victim.key, row.victim.group, row.latest_arrival, row.victim_arrived_last) == (
        "firewall",
        "firewall",
        "stress",
        False,
    )
    assert (row.alone, row.together, row.slowdown, row.censored) == (8.0, 4.0, 2.0, False)
    assert ([each.key for each in row.co_runners], row.pressed, row.provenance) == (
        ["stress"],
        (Axis.MEMBW,),
        Provenance.INJECTED,
    )
    assert (row.campaign, row.simulated, row.node, row.domain) == ("lab", False, "lab-1", "socket0")
    assert refusals.total == 2, "the windows alone: no profile was known before they began"


def test_before_is_the_last_window_without_the_arrival_and_during_is_the_windows_own(tmp_path: Path) -> None:
    done, _ = imported(tmp_path, measurement())
    by_start = {each.window_start_ns: each for each in done.vectors}
    for row in done.traces:
        during = by_start[row.window_start_ns]
        assert np.array_equal(row.during_values, during.values, equal_nan=True)
        before = max(start for start, each in by_start.items() if start < row.window_start_ns and each != during and
                     round(each.value("l3_miss_ratio"), 6) == 0.25)  # fmt: skip
        assert np.array_equal(row.before_values, by_start[before].values, equal_nan=True)


def test_profiles_are_of_windows_alone_and_older_than_every_row(tmp_path: Path) -> None:
    done, _ = imported(tmp_path, measurement())
    assert {(each.key, each.tier, each.indicator is not None) for each in done.profiles} == {
        ("firewall", Tier.COUNTERS, True),
        ("stress", Tier.COUNTERS, False),
    }
    for row in done.traces:
        for profile in done.profiles:
            assert profile.last_seen.timestamp() * 1e9 <= row.window_start_ns
    solo = next(each for each in done.profiles if each.key == "stress").solo_values
    assert round(float(solo[0]), 6) == 0.4


def test_what_is_imported_is_a_dataset_that_validates(tmp_path: Path) -> None:
    done, _ = imported(tmp_path, measurement())
    out = tmp_path / "out"
    out.mkdir()
    write_imported(done, out)
    assert read_dataset(out) == TraceDataset(traces=done.traces, profiles=done.profiles)
    refusals = Refusals()
    checked = validate(out, refusals=refusals)
    assert (checked.good, checked.with_vectors, refusals.shown) == (len(done.traces), True, [])


def test_rows_of_a_foreign_cpu_say_so_and_are_not_labelled_by_rules(tmp_path: Path) -> None:
    text = LABELLED.replace("cpu_model = 143", "cpu_model = 85").replace(
        'injected = [{ axis = "membw", intensity = 0.75 }]\n', ""
    )
    loud = [row | {"dram": 250} for row in measurement()]
    done, _ = imported(tmp_path, loud, text)
    assert {(row.campaign, row.pressed, row.provenance) for row in done.traces} == {
        ("foreign:lab", (), Provenance.RULE)
    }
    out = tmp_path / "out"
    out.mkdir()
    write_imported(done, out)
    refusals = Refusals()
    assert validate(out, refusals=refusals).good == 0
    assert dict(refusals.counts) == {"CPU not characterised": len(done.traces)}
    assert validate(out, refusals=Refusals(), foreign=True).good == len(done.traces)


def test_an_operators_label_stands(tmp_path: Path) -> None:
    text = LABELLED.replace('injected = [{ axis = "membw", intensity = 0.75 }]', 'pressed = ["lock", "llc"]')
    done, _ = imported(tmp_path, measurement(), text)
    assert [(row.pressed, row.provenance) for row in done.traces] == [((Axis.LLC, Axis.LOCK), Provenance.OPERATOR)] * 2


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("alone", "no window measured it alone, and its indicator has no alone: a slowdown is not invented"),
        ("stressor", "nothing is known of stress: no window shows it alone before it is in company"),
    ],
)
def test_no_slowdown_is_invented(tmp_path: Path, without: str, sentence: str) -> None:
    done, refusals = imported(tmp_path, [row for row in measurement() if row["phase"] != without])
    assert done.traces == ()
    assert sentence in reasons(refusals)
    assert len(done.vectors) == 8


def test_a_window_without_its_indicator_stays_a_vector(tmp_path: Path) -> None:
    rows = measurement()
    rows[-1]["rate"] = ""
    done, refusals = imported(tmp_path, rows)
    assert len([row for row in done.traces if row.co_runners]) == 1
    assert "its indicator was not measured in the window" in reasons(refusals)


def test_an_arrival_without_a_window_before_it_gives_no_row(tmp_path: Path) -> None:
    rows = measurement()
    rows[12:16] = [row | {"time": number} for number, row in zip(range(17, 21), rows[16:20], strict=True)]
    rows = [row | {"time": number} for number, row in enumerate(rows[4:8] + rows[:4] + rows[8:16], start=1)]
    text = LABELLED.replace('unit = "millions/s"', 'unit = "millions/s", alone = 8.0')
    done, refusals = imported(tmp_path, rows, text)
    assert done.traces == ()
    assert "no window right before stress arrived shows the domain without it, with firewall there" in reasons(refusals)


def test_together_better_than_alone_beyond_noise_is_no_row(tmp_path: Path) -> None:
    rows = [row | ({"rate": 9.0} if row["phase"] == "company" else {}) for row in measurement()]
    done, refusals = imported(tmp_path, rows)
    assert not [row for row in done.traces if row.co_runners]
    assert "were not measured at the same offered load; measure again" in reasons(refusals)


def test_profiles_may_come_from_a_file(tmp_path: Path) -> None:
    done, _ = imported(tmp_path, measurement())
    old = [WorkloadProfile.from_json(each.to_json()) for each in done.profiles]
    (tmp_path / "profiles.jsonl").write_bytes(b"".join(each.to_json() + b"\n" for each in old))
    later = [row | {"time": float(str(row["time"])) + 100} for row in measurement() if row["phase"] != "stressor"]
    text = LABELLED.replace('phase_column = "phase"', 'phase_column = "phase"\nprofiles = "profiles.jsonl"')
    again, refusals = imported(tmp_path, later, text)
    assert len([row for row in again.traces if row.co_runners]) == 2
    assert {each.key for each in again.profiles} == {"firewall", "stress"}
    assert refusals.total == 2


def test_phases_may_start_at_times(tmp_path: Path) -> None:
    text = LABELLED.replace('phase_column = "phase"\n', "")
    for name, at in (("alone", 12), ("stressor", 4), ("company", 16), ("empty", 0)):
        text = text.replace(f"phases.{name}]", f"phases.{name}]\nstarts = 2026-01-01T00:00:{at:02d}Z")
    text = text.replace(
        "[label.phases.alone]", "[label.phases.again]\nstarts = 2026-01-01T00:00:08Z\n\n[label.phases.alone]"
    )
    done, _ = imported(tmp_path, measurement(), text)
    named, _ = imported(tmp_path, measurement())
    assert done.traces == named.traces


def test_a_window_does_not_lie_in_two_phases(tmp_path: Path) -> None:
    rows = [second(time, phase="alone" if time < 4 else "company", rate=8) for time in range(1, 8)]
    done, _ = imported(tmp_path, rows)
    assert (len(done.vectors), done.incomplete) == (3, 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alone=st.floats(0.001, 1e6), share=st.floats(0.0, 1.2))
def test_a_rows_slowdown_is_that_of_its_indicator(tmp_path: Path, alone: float, share: float) -> None:
    together = {"alone": alone, "company": alone * share}
    rows = [row | {"rate": together.get(str(row["phase"]), "")} for row in measurement()]
    done, refusals = imported(tmp_path, rows)
    company = [row for row in done.traces if row.co_runners]
    if share > 1 / SLOWDOWN_FLOOR + 1e-9:
        assert not company
        assert "measure again" in reasons(refusals)
    elif share < 1 / SLOWDOWN_FLOOR - 1e-9:
        assert [row.slowdown for row in company] == [pytest.approx(min(1 / share if share else 10.0, 10.0))] * 2
