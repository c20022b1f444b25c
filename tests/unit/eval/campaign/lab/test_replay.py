"""A campaign that was recorded and written down comes back from the recordings as it was."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import LabelledTrace
from eval.campaign.errors import CampaignError
from eval.campaign.lab import replay
from eval.campaign.lab.indicators import INDICATORS_FILE
from eval.campaign.lab.replay import replay_into
from eval.campaign.lab.schedule import STEPS_FILE
from eval.campaign.part import Part
from eval.campaign.settings import CampaignSettings
from eval.testbed.catalogue import workload
from eval.testbed.node import Occupant
from eval.testbed.offer import FULL
from eval.testbed.stressor import Stressor
from pipelines.dataset import read_dataset, trace_key
from pipelines.extract import extracted
from tests.unit.eval.campaign.lab.logged_lab import PROFILES, LoggedNode, measured_lab, write_files
from tests.unit.eval.testbed.scenes import slowdown
from tests.unit.pipelines.test_extract import join_over

SETTINGS = CampaignSettings(
    name="lab-1",
    seed=5,
    workloads=("upf-small", "amf", "batch"),
    axes=(Axis.LLC, Axis.MEMBW, Axis.SMT),
    intensities=(0.5, 1.0),
    mixes=8,
    smallest_mix=3,
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Part]:
    directory = tmp_path_factory.mktemp("lab")
    return directory, measured_lab(directory, SETTINGS)


@pytest.fixture
def copied(lab: tuple[Path, Part], tmp_path: Path) -> Path:
    return Path(shutil.copytree(lab[0], tmp_path / "lab"))


def by_key(rows: tuple[LabelledTrace, ...]) -> dict[tuple[str, str, str, int, str], LabelledTrace]:
    return {trace_key(row): row for row in rows}


def edit(file: Path, change: Callable[[list[str]], list[str] | None]) -> None:
    """Change line after line; ``None`` takes a line away."""
    with file.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([header, *(changed for row in rows if (changed := change(row)) is not None)])


def test_rows_profiles_and_vectors_are_those_of_the_campaign_that_was_recorded(
    lab: tuple[Path, Part], tmp_path: Path
) -> None:
    directory, direct = lab
    kept, left_out = replay_into(tmp_path, directory)
    dataset = read_dataset(tmp_path)
    assert left_out == {}
    assert by_key(dataset.traces) == by_key(direct.rows)
    assert {each.key: each for each in dataset.profiles} == {each.key: each for each in direct.profiles}
    taken = {(v.node, v.domain, v.window_start_ns): v.values.tobytes() for vs in kept.vectors(at_most=64) for v in vs}
    assert taken == {(v.node, v.domain, v.window_start_ns): v.values.tobytes() for v in direct.vectors}


def test_times_that_are_a_little_off_change_nothing(lab: tuple[Path, Part], copied: Path, tmp_path: Path) -> None:
    edit(copied / INDICATORS_FILE, lambda row: [*row[:3], f"{float(row[3]) + 1.9:.1f}", row[4]])
    replay_into(tmp_path / "traces", copied)
    assert by_key(read_dataset(tmp_path / "traces").traces) == by_key(lab[1].rows)


def unaligned_lab(directory: Path) -> None:
    """Steps of a minute, and windows of ten seconds that end four seconds after each full minute."""
    node = LoggedNode(directory, name="lab-0", offer=FULL, seed=1)
    source = node.source()
    source.open(FEATURE_SCHEMA_V1.events)
    source.read()
    newcomers: dict[str, Occupant] = {
        "upf-small": workload("upf-small"),
        "membw": Stressor(axis=Axis.MEMBW, intensity=1.0),
    }
    for experiment in (PROFILES, "one"):
        for come, go in (("", ""), ("upf-small", ""), ("membw", ""), ("", "upf-small"), ("", "membw")):
            node.experiments["socket0"] = experiment
            if come:
                node.place(come, newcomers[come], domain="socket0")
            if go:
                node.remove(go)
            for seconds in (4.0, 10.0, 10.0, 10.0, 10.0, 10.0):
                node.advance(seconds)
                source.read()
            node.advance(6.0)
    source.close()
    write_files(directory, CampaignSettings(name="unaligned", workloads=("upf-small",)), [node])
    lab = directory / "lab.toml"
    lab.write_text(lab.read_text().replace("settling_seconds = 0.0\n", ""))


def test_windows_that_no_step_is_aligned_with_give_rows_that_the_training_joins(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    unaligned_lab(tmp_path / "lab")
    kept, left_out = replay_into(tmp_path / "traces", tmp_path / "lab")
    dataset = read_dataset(tmp_path / "traces")
    assert left_out == {}
    assert [len(row.co_runners) for row in dataset.traces] == [0, 1]
    assert dataset.traces[1].slowdown == pytest.approx(
        slowdown("upf-small", Stressor(axis=Axis.MEMBW, intensity=1.0)), rel=0.06
    )
    vectors = [vector for batch in kept.vectors(at_most=100) for vector in batch]
    assert extracted(dataset, join_over(vectors)) is dataset


def test_rows_without_an_indicator_are_left_out_and_counted(
    lab: tuple[Path, Part], copied: Path, tmp_path: Path
) -> None:
    edit(copied / INDICATORS_FILE, lambda row: None if row[:3] == ["lab-1", "socket1", "batch"] else row)
    _, left_out = replay_into(tmp_path / "traces", copied)
    lost = [row for row in lab[1].rows if (row.node, row.domain, row.victim.key) == ("lab-1", "socket1", "batch")]
    assert lost
    assert len(read_dataset(tmp_path / "traces").traces) == len(lab[1].rows) - len(lost)
    assert sum(left_out.values()) == len(lost)
    assert set(left_out) == {replay.NO_INDICATOR}


def test_a_gap_before_an_arrival_costs_its_rows(copied: Path, tmp_path: Path) -> None:
    edit(copied / STEPS_FILE, lambda row: None if row[1] == "rows" and not row[6] else row)
    _, left_out = replay_into(tmp_path / "traces", copied)
    assert left_out[replay.NO_BEFORE] > 0
    assert all(row.co_runners for row in read_dataset(tmp_path / "traces").traces)


def test_settling_longer_than_a_step_leaves_nothing(copied: Path, tmp_path: Path) -> None:
    lab_file = copied / "lab.toml"
    lab_file.write_text(lab_file.read_text().replace("settling_seconds = 0.0", "settling_seconds = 900.0"))
    with pytest.raises(CampaignError, match=r"profile of upf-small: no whole window shows it alone"):
        replay_into(tmp_path / "traces", copied)


def test_a_victim_that_does_better_together_is_left_out(copied: Path, tmp_path: Path) -> None:
    times = {row["time"] for row in csv.DictReader((copied / INDICATORS_FILE).open()) if row["node"] != "lab-spare"}
    middle = sorted(times)[len(times) // 2]
    edit(
        copied / INDICATORS_FILE,
        lambda row: [*row[:4], str(0.1 * float(row[4]))] if row[2] == "amf" and row[3] > middle else row,
    )
    _, left_out = replay_into(tmp_path / "traces", copied)
    assert left_out[replay.BETTER_TOGETHER] > 0


def test_whoever_was_not_profiled_is_named(copied: Path, tmp_path: Path) -> None:
    edit(copied / STEPS_FILE, lambda row: None if row[1] == "profile" and row[6].startswith("batch") else row)
    with pytest.raises(CampaignError, match="batch take part and were not profiled"):
        replay_into(tmp_path / "traces", copied)
    assert not (tmp_path / "traces").exists()


def test_a_second_replay_of_the_same_files_changes_nothing_and_one_of_others_is_refused(
    copied: Path, tmp_path: Path
) -> None:
    traces = tmp_path / "traces"
    replay_into(traces, copied)
    before = {file.name: file.read_bytes() for file in (traces / "campaign=lab-1").iterdir() if file.is_file()}
    replay_into(traces, copied)
    assert {file.name: file.read_bytes() for file in (traces / "campaign=lab-1").iterdir() if file.is_file()} == before
    edit(copied / INDICATORS_FILE, lambda row: None if row[0] == "lab-1" and row[2] == "amf" else row)
    with pytest.raises(CampaignError, match="holds a campaign of other settings"):
        replay_into(traces, copied)


def test_a_directory_without_recordings_is_told(copied: Path, tmp_path: Path) -> None:
    for file in copied.glob("*.trace"):
        file.unlink()
    with pytest.raises(CampaignError, match=r"has no recording \(\*\.trace\): leeward agent record makes them"):
        replay_into(tmp_path / "traces", copied)


def test_what_is_no_recording_is_named(copied: Path, tmp_path: Path) -> None:
    (copied / "lab-0.trace").write_text("nothing")
    with pytest.raises(CampaignError, match=r"lab-0\.trace is no recording"):
        replay_into(tmp_path / "traces", copied)
