from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.trace_arrow import DIGEST_KEY, arrow_schema, from_arrow, to_arrow
from eval.campaign.campaign import run_into
from eval.campaign.settings import CampaignSettings
from eval.campaign.store import VECTORS_FILE
from eval.traces.errors import DatasetError
from eval.traces.output import REFUSED_FILE
from eval.traces.profiles_file import BROKEN_PROFILE
from eval.traces.refusal import Refusals
from eval.traces.validate import TORN, UNREADABLE, Validated, validate
from pipelines.dataset import COMPLETE_FILE, PROFILES_FILE, TRACES_FILE, VECTORS_FOLDER, TraceDataset, read_dataset
from tests.unit.eval.traces.lab import KEYS, PROFILES, START_NS, WINDOW_NS, party, profile, refused, row, rows, write

ALL = len(rows())


def validated(directory: Path, out: Path | None = None) -> tuple[Validated, Refusals]:
    refusals = Refusals()
    return validate(directory, refusals=refusals, out=out), refusals


def test_a_good_set_comes_out_as_it_went_in(tmp_path: Path) -> None:
    done, refusals = validated(write(tmp_path / "in"), tmp_path / "out")
    assert (done.good, done.rows, refusals.total, done.simulated, done.with_vectors) == (ALL, ALL, 0, 0, True)
    assert done.groups == set(KEYS)
    assert read_dataset(tmp_path / "out") == TraceDataset(traces=rows(), profiles=PROFILES)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        TRACES_FILE,
        PROFILES_FILE,
        VECTORS_FILE,
        REFUSED_FILE,
    }
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def change(place: int, **changes: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda plain: plain[place].update(changes)


LATER = [0.5] * 31
SPOILT: dict[str, tuple[Callable[[list[dict[str, Any]]], object], int, str, str]] = {
    "digest": (
        change(3, feature_schema="sha256:" + "0" * 64),
        3,
        "another feature schema",
        "feature schema is sha256:000",
    ),
    "slowdown-field": (
        change(3, together=20.0, slowdown=0.5),
        3,
        "slowdown below 1 beyond noise",
        "greater than or equal to 0.9",
    ),
    "slowdown-indicator": (
        change(3, together=20.0),
        3,
        "slowdown below 1 beyond noise",
        "a slowdown of 0.5: below 0.9",
    ),
    "slowdown-wrong": (change(3, slowdown=2.0), 3, "breaks the contract", "its indicator says 1.25"),
    "victim-group": (lambda plain: plain[3]["victim"].update(group=""), 3, "missing group", "victim.group"),
    "co-runner-group": (
        lambda plain: plain[3]["co_runners"][0].update(group=""),
        3,
        "missing group",
        "co_runners.0.group",
    ),
    "two-groups": (
        lambda plain: plain[5]["victim"].update(group="other"),
        5,
        "one key in two groups",
        "of group other here",
    ),
    "duplicate": (lambda plain: plain.insert(4, plain[3]), 4, "duplicated window", "has a row of"),
    "later-duplicate": (lambda plain: plain.insert(6, plain[3]), 6, "duplicated window", "stands before already"),
    "backwards": (
        lambda plain: plain.insert(5, plain.pop(3)),
        5,
        "time goes backwards",
        "after one of",
    ),
    "overlap": (
        change(3, window_start_ns=START_NS + 2 * WINDOW_NS - 1),
        3,
        "vector not among those",
        "is its during",
    ),
    "disagreement": (
        lambda plain: plain[1].update(injected=[{"axis": "llc", "intensity": 0.5}]),
        1,
        "rows of one window disagree",
        "stressors or parties differ",
    ),
    "unknown-profile": (
        lambda plain: plain[3]["victim"].update(profile="sha256:" + "1" * 64),
        3,
        "unknown profile",
        "is not among the 5 beside the rows",
    ),
    "another's-profile": (
        lambda plain: plain[3]["victim"].update(profile=PROFILES[4].digest),
        3,
        "unknown profile",
        "is that of smf, not of",
    ),
    "late-before": (
        lambda plain: plain[3].update(before=plain[8]["during"]),
        3,
        "before is later than during",
        "its before ends at",
    ),
    "unknown-before": (change(3, before=LATER), 3, "vector not among those", "is its before"),
    "unknown-during": (change(3, during=LATER), 3, "vector not among those", "is its during"),
    "out-of-range": (change(3, during=[2.0] * 31), 3, "breaks the contract", "l3_miss_ratio is 2.0, outside"),
    "foreign": (change(3, campaign="foreign:lab"), 3, "CPU not characterised", "models and rules were not made for"),
    "own-co-runner": (
        lambda plain: plain[3].update(co_runners=[plain[3]["victim"]], latest_arrival=plain[3]["victim"]["key"]),
        3,
        "victim beside itself",
        "is among its own co-runners",
    ),
    "long-window": (change(3, window_length_ns=10**13), 3, "odd window", "lasts 10000 s"),
    "wrong-arrival": (change(3, latest_arrival="nobody"), 3, "breaks the contract", "nobody is not among"),
    "infinite": (change(3, alone=float("inf")), 3, "breaks the contract", "finite number"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_row_is_refused_with_its_number_its_reason_and_what_to_do(tmp_path: Path, name: str) -> None:
    spoil, place, kind, reason = SPOILT[name]
    done, refusals = validated(write(tmp_path / "in", spoil=spoil), tmp_path / "out")
    assert refusals.total == 1, refusals.shown
    found = refusals.shown[0]
    assert (found.file, found.row) == (TRACES_FILE, place)
    assert found.kind.startswith(kind)
    assert reason in found.reason
    assert found.advice
    assert done.good == done.rows - 1
    assert [each["row"] for each in refused(tmp_path / "out")] == [place]
    kept = from_arrow(pq.read_table(tmp_path / "out" / TRACES_FILE))
    assert len(kept) == done.good
    assert set(kept) <= set(rows())


def test_windows_that_overlap_are_refused_even_without_vectors(tmp_path: Path) -> None:
    spoil = change(3, window_start_ns=START_NS + 2 * WINDOW_NS - 1)
    done, refusals = validated(write(tmp_path / "in", spoil=spoil, vectors=False))
    assert (dict(refusals.counts), done.with_vectors) == ({"windows overlap": 1}, False)


def test_a_profile_that_would_know_the_answer_is_refused(tmp_path: Path) -> None:
    young = profile("upf", last_seen=datetime(2026, 1, 1, 0, 0, 35, tzinfo=UTC))
    victim = party("upf").model_copy(update={"profile": young.digest})
    traces = [each.model_copy(update={"victim": victim}) if each.victim.key == "upf" else each for each in rows()]
    done, refusals = validated(write(tmp_path / "in", traces=traces, profiles=(*PROFILES, young)))
    late = [each for each in traces if each.victim == victim and each.window_start_ns >= START_NS + 4 * WINDOW_NS]
    assert dict(refusals.counts) == {
        "profile younger than the window": sum(each.victim == victim for each in traces) - len(late)
    }
    assert late
    assert done.good == ALL - refusals.total


def test_a_conservative_victim_is_refused(tmp_path: Path) -> None:
    stand_in = profile("upf", conservative=True)
    victim = party("upf").model_copy(update={"profile": stand_in.digest})
    traces = [row(0), row(1).model_copy(update={"victim": victim})]
    _, refusals = validated(write(tmp_path / "in", traces=traces, profiles=(*PROFILES, stand_in)))
    assert dict(refusals.counts) == {"conservative victim": 1}


def test_a_probed_profile_without_points_is_refused_and_so_are_its_rows(tmp_path: Path) -> None:
    directory = write(tmp_path / "in")
    lines = (directory / PROFILES_FILE).read_bytes().splitlines()
    lines[0] = lines[0].replace(b'"tier":"counters"', b'"tier":"probed"')
    (directory / PROFILES_FILE).write_bytes(b"\n".join(lines))
    done, refusals = validated(directory)
    names_upf = sum("upf" in {each.victim.key, *(other.key for other in each.co_runners)} for each in rows())
    assert dict(refusals.counts) == {BROKEN_PROFILE: 1, "unknown profile": names_upf}
    assert (refusals.shown[0].file, refusals.shown[0].row) == (PROFILES_FILE, 1)
    assert "is of tier probed and has no response curve" in refusals.shown[0].reason
    assert done.good == ALL - names_upf


def test_a_torn_row_group_costs_its_own_rows(tmp_path: Path) -> None:
    directory = write(tmp_path / "in", rows_a_group=4, vectors=False)
    path = directory / TRACES_FILE
    content = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(1).column(2)
    begin = column.dictionary_page_offset or column.data_page_offset
    content[begin : begin + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)
    done, refusals = validated(directory, tmp_path / "out")
    assert (dict(refusals.counts), done.good) == ({TORN: 4}, ALL - 4)
    assert "rows 4 to 7 can't be read" in refusals.shown[0].reason
    assert len(read_dataset(tmp_path / "out").traces) == ALL - 4


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (lambda table: table.replace_schema_metadata(None), "its contract is absent"),
        (lambda table: table.replace_schema_metadata({DIGEST_KEY: b"sha256:1"}), "its contract is sha256:1"),
        (lambda table: table.drop_columns(["victim"]), "victim is missing"),
        (
            lambda table: table.set_column(
                13, pa.field("alone", pa.float32(), nullable=False), table.column("alone").cast(pa.float32())
            ),
            "alone is float, not double",
        ),
        (lambda table: table.append_column("mine", pa.array([1] * table.num_rows)), "there are too many"),
    ],
    ids=["no-digest", "another-digest", "column-missing", "type", "column-too-many"],
)
def test_a_file_of_another_contract_is_refused_as_a_whole(
    tmp_path: Path, table: Callable[[pa.Table], pa.Table], sentence: str
) -> None:
    directory = write(tmp_path / "in")
    pq.write_table(table(to_arrow(rows())), directory / TRACES_FILE)
    with pytest.raises(DatasetError, match=f"all {ALL} rows are refused.*{sentence}"):
        validated(directory, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lost", [TRACES_FILE, PROFILES_FILE])
def test_a_missing_file_is_named(tmp_path: Path, lost: str) -> None:
    directory = write(tmp_path / "in")
    (directory / lost).unlink()
    with pytest.raises(DatasetError, match=lost):
        validated(directory, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


@pytest.mark.parametrize("torn", [TRACES_FILE, VECTORS_FILE])
def test_a_torn_file_is_told(tmp_path: Path, torn: str) -> None:
    directory = write(tmp_path / "in")
    (directory / torn).write_bytes((directory / torn).read_bytes()[:200])
    with pytest.raises(DatasetError, match=torn):
        validated(directory)


def test_an_empty_set_is_good(tmp_path: Path) -> None:
    directory = write(tmp_path / "in")
    pq.write_table(arrow_schema().empty_table(), directory / TRACES_FILE)
    done, refusals = validated(directory, tmp_path / "out")
    assert (done.rows, done.good, refusals.total) == (0, 0, 0)


def test_a_directory_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(DatasetError, match="is there already: name a new or an empty directory"):
        validated(write(tmp_path / "in"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious"]


def test_rows_are_numbered_through_however_many_are_read_at_once(tmp_path: Path) -> None:
    directory = write(tmp_path / "in", spoil=SPOILT["later-duplicate"][0], rows_a_group=5)
    refusals = Refusals()
    validate(directory, refusals=refusals, rows_at_once=3)
    assert [(each.row, each.kind) for each in refusals.shown] == [(6, "duplicated window")]


def test_a_campaign_in_parts_is_good_and_comes_out_in_parts(tmp_path: Path) -> None:
    few = CampaignSettings(workloads=("upf-large", "firewall", "amf"), intensities=(1.0,), probe_windows=1, mixes=8)
    kept = run_into(tmp_path / "in", few)
    done, refusals = validated(tmp_path / "in", tmp_path / "out")
    assert (done.good, done.simulated, refusals.total, done.unfinished) == (done.rows, done.rows, 0, ())
    assert done.with_vectors
    assert read_dataset(tmp_path / "out") == read_dataset(tmp_path / "in")
    (kept.path / COMPLETE_FILE).unlink()
    assert validated(tmp_path / "in")[0].unfinished == (kept.path.name,)
    assert validated(kept.path)[0].good == done.good


def test_rows_of_parts_are_named_by_campaign_and_part(tmp_path: Path) -> None:
    whole = tmp_path / "in"
    for name, spoil in (("a", None), ("b", SPOILT["foreign"][0])):
        sent = write(tmp_path / name, spoil=spoil)
        place = whole / f"campaign={name}"
        (place / VECTORS_FOLDER).mkdir(parents=True)
        (sent / TRACES_FILE).rename(place / "part-0003.parquet")
        (sent / PROFILES_FILE).rename(place / PROFILES_FILE)
        (sent / VECTORS_FILE).rename(place / VECTORS_FOLDER / "part-0003.parquet")
    done, refusals = validated(whole)
    # Rows of both say that they are of one campaign, so the second set stands there twice.
    assert done.rows == 2 * ALL
    assert {each.file for each in refusals.shown} == {"campaign=b/part-0003.parquet"}
    assert refusals.counts["CPU not characterised"] == 1


def test_of_several_files_one_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    directory = write(tmp_path / "in")
    (directory / "part-0001.parquet").write_bytes(b"PAR1")
    done, refusals = validated(directory, tmp_path / "out")
    assert (done.good, dict(refusals.counts)) == (ALL, {UNREADABLE: 1})
    assert refusals.shown[0].file == "part-0001.parquet"
    assert len(read_dataset(tmp_path / "out").traces) == ALL


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(ALL)))
def test_in_any_order_what_is_kept_goes_forward_and_every_row_is_accounted_for(
    tmp_path: Path, order: list[int]
) -> None:
    directory = write(tmp_path / "in", traces=[rows()[place] for place in order], vectors=False)
    refusals = Refusals(kept=100)
    done = validate(directory, refusals=refusals)
    assert done.good + refusals.total == ALL
    gone = {each.row for each in refusals.shown}
    kept = [rows()[place] for number, place in enumerate(order) if number not in gone]
    for domain in ("socket0", "socket1"):
        starts = [each.window_start_ns for each in kept if each.domain == domain]
        assert starts == sorted(starts)
