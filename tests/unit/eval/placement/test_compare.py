from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from contracts.axis import Axis
from eval.campaign import CampaignSettings, run_campaign
from eval.placement import (
    PLACEMENT_FILE,
    PlacementReport,
    PlacementSettings,
    compare,
    compare_packing,
    render_placement,
)
from eval.placement.compare import RUNS, part_name
from eval.placement.demand import BACKGROUND_GROUP
from eval.placement.packing_report import PACKING_FILE, PackingReport
from eval.placement.picture import draw_placement, write_picture
from eval.placement.policies import PolicyName
from eval.placement.report import PolicyRun
from eval.placement.runs import draw_runs, play_run
from eval.placement.summary import placement_report
from eval.placement.table import TITLES, targets, verdict
from eval.placement.unseen import without_groups
from eval.reports import report_path
from eval.testbed.catalogue import SMALL, workload
from pipelines.dataset import TraceDataset, dataset_directory, write_dataset
from pipelines.settings import TrainingSettings, TreeSettings
from serving.champion import load_champion

SETTINGS = PlacementSettings()
DIGEST = "sha256:" + "1" * 64
THREE_AXES = (Axis.LLC, Axis.MEMBW, Axis.SMT)
FUNCTIONS = tuple(sorted({workload(name).group for name in SMALL} - {BACKGROUND_GROUP}))
OTHERS = {
    PolicyName.DEFAULT: (0.3, 0.4, 0.5),
    PolicyName.THRESHOLD: (0.3, 0.3, 0.6),
    PolicyName.ORACLE: (0.0, 0.1, 0.2),
}


def report_of(leeward: tuple[float, ...]) -> PlacementReport:
    played = {
        (index, name): PolicyRun(
            policy=name,
            violated=share,
            worst_slowdown=2.0,
            p99_slowdown=1.8,
            hurt=4.0,
            pods_per_node=5.0,
            mean_excess=share / 2,
            placed=98,
            refused=2,
            nodes_used=16.0,
            load=0.5,
        )
        for name, shares in (OTHERS | {PolicyName.LEEWARD: leeward}).items()
        for index, share in enumerate(shares)
    }
    return placement_report(draw_runs(SETTINGS, FUNCTIONS)[:3], played, settings=SETTINGS, training_data=DIGEST)


def test_every_network_function_is_placed_once_by_a_bundle_that_never_saw_it() -> None:
    runs = draw_runs(PlacementSettings(repetitions=2), FUNCTIONS)
    assert len(runs) == 6
    for repetition in (runs[:3], runs[3:]):
        assert sorted(group for run in repetition for group in run.functions) == list(FUNCTIONS)
    assert all(run.unseen == run.functions | {BACKGROUND_GROUP} for run in runs)
    assert len({run.schedule_seed for run in runs}) == 6
    assert (
        draw_runs(PlacementSettings(seed=2), FUNCTIONS)
        != draw_runs(PlacementSettings(seed=1), FUNCTIONS)
        == draw_runs(PlacementSettings(seed=1), FUNCTIONS)
    )


def test_a_bundle_is_used_again_by_runs_of_its_part_and_by_nobody_with_other_traces_or_training() -> None:
    runs = draw_runs(SETTINGS, FUNCTIONS)
    names = [part_name(run, training=QUICK, training_data=DIGEST) for run in runs]
    assert names[:3] == names[3:]
    assert len(set(names)) == 3
    assert part_name(runs[0], training=TrainingSettings(), training_data=DIGEST) not in names
    assert part_name(runs[0], training=QUICK, training_data="sha256:2") not in names


def test_policies_are_compared_run_by_run() -> None:
    found = report_of((0.2, 0.3, 0.4)).of(PolicyName.LEEWARD)
    assert found.violated.value == pytest.approx(0.3)
    assert found.violated.upper - found.violated.lower > 0.2
    assert found.violated_spared is not None
    assert found.excess_spared is not None
    assert found.violated_spared.value == pytest.approx(0.1)
    assert found.violated_spared.upper - found.violated_spared.lower == pytest.approx(0.0, abs=1e-9)
    assert found.excess_spared.value == pytest.approx(0.05)
    assert (found.placed, found.refused, found.violated.units) == (294, 6, 3)
    assert report_of((0.2, 0.3, 0.4)).of(PolicyName.DEFAULT).violated_spared is None


def test_a_gain_beyond_chance_is_said_and_set_against_the_oracles() -> None:
    said = verdict(report_of((0.2, 0.3, 0.4)))
    assert said == (
        "Against the default scheduler, Leeward has 10.0 points less of the time with a violated tolerance, beyond "
        "chance (10.0 to 10.0 less, run by run); the oracle 30.0 points less. It has 5.0 points less of mean excess, "
        "beyond chance (5.0 to 5.0 less, run by run); the oracle 15.0 points less."
    )


def test_a_loss_is_said_too() -> None:
    said = verdict(report_of((0.4, 0.5, 0.6)))
    assert "Leeward has 10.0 points more of the time with a violated tolerance, beyond chance (-10.0 to -10.0" in said


@pytest.mark.parametrize(
    ("leeward", "direction"), [((0.1, 0.5, 0.4), "6.7 points less"), ((0.1, 0.5, 0.8), "6.7 points more")]
)
def test_what_may_be_chance_is_called_so(leeward: tuple[float, ...], direction: str) -> None:
    said = verdict(report_of(leeward))
    assert f"Leeward has {direction} of the time with a violated tolerance, not beyond chance" in said


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_a_terminal(width: int, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        console = Console(width=width, record=True, file=out)
        console.print(render_placement(report_of((0.2, 0.3, 0.4))))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for word in (
        "simulated testbed",
        "oracle",
        "thresholds",
        "Leeward",
        "294 (-6)",
        "30.0 %",
        "Leeward has 10.0 points less",
    ):
        assert word in text


def test_targets_are_called_missed_where_they_are_and_met_where_they_are() -> None:
    assert "of the default scheduler's 40.0 %: missed. At most 15 % above the oracle's 10.0 %: missed." in targets(
        report_of((0.2, 0.3, 0.4))
    )
    assert "%: met. At most 15 % above the oracle's 10.0 %: met." in targets(report_of((0.07, 0.08, 0.09)))


def test_the_picture_names_every_policy_played(tmp_path: Path) -> None:
    report = report_of((0.2, 0.3, 0.4))
    (tmp_path / "reports").mkdir()
    assert write_picture(report, tmp_path).read_bytes().startswith(b"<?xml")
    axes = draw_placement(report).axes[0]
    assert {text.get_text() for text in axes.texts} == {TITLES[figures.policy] for figures in report.policies}


def test_a_report_comes_back_from_json() -> None:
    report = report_of((0.2, 0.3, 0.4))
    assert PlacementReport.from_json(report.to_json(indent=2)) == report


TINY = PlacementSettings(
    parts=2, repetitions=1, load=0.05, most_load=0.1, churn=4, gap_seconds=40.0, last_seconds=30.0, workers=2
)
QUICK = TrainingSettings(
    rate=0.7,
    fewest_pressed=10,
    regime=TreeSettings(trees=5, depth=2, learning_rate=0.3),
    interference=TreeSettings(trees=8, depth=2, learning_rate=0.3),
)


@pytest.fixture(scope="module")
def dataset() -> TraceDataset:
    campaign = run_campaign(CampaignSettings(workloads=SMALL, axes=THREE_AXES, intensities=(0.5, 1.0), mixes=24))
    return TraceDataset(traces=campaign.rows, profiles=campaign.profiles)


def test_leaving_groups_out_leaves_none_of_their_rows(dataset: TraceDataset) -> None:
    left = without_groups(dataset, frozenset({"upf", "batch"}))
    assert {"upf", "batch"}.isdisjoint(frozenset().union(*(trace.groups for trace in left.traces)))
    assert {profile.key for profile in left.profiles}.isdisjoint({"upf-large", "upf-small", "batch"})
    assert 0 < len(left.traces) < len(dataset.traces)


@pytest.mark.slow
def test_the_whole_comparison_on_a_small_scale(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, dataset_directory(tmp_path))
    told: list[float] = []
    report = compare(tmp_path, TINY, training=QUICK, progress=lambda _, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert PlacementReport.from_json(report_path(tmp_path, PLACEMENT_FILE).read_bytes()) == report
    assert report.training_data == dataset.digest
    for index, run in enumerate(report.runs):
        bundle = load_champion(next((tmp_path / RUNS).glob(f"part-{index + 1}-*")))
        assert bundle is not None
        assert set(run.unseen_groups).isdisjoint(bundle.manifest.training_groups)
        assert set(run.unseen_groups) | set(bundle.manifest.training_groups) == {*FUNCTIONS, BACKGROUND_GROUP}
        assert len({found.placed + found.refused for found in run.policies}) == 1
        again = play_run(
            draw_runs(TINY, FUNCTIONS)[index],
            PolicyName.ORACLE,
            profiles=dataset.profiles,
            state=tmp_path,
            settings=TINY,
        )
        assert again.violated == next(found for found in run.policies if found.policy is PolicyName.ORACLE).violated


def test_each_load_is_played_once_and_its_packing_written_down(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, dataset_directory(tmp_path))
    settings = [
        replace(TINY, policies=(PolicyName.DEFAULT, PolicyName.RANDOM), load=load, most_load=2 * load, workers=1)
        for load in (0.05, 0.2)
    ]
    told: list[float] = []
    report = compare_packing(tmp_path, settings, harm=0.02, progress=lambda _, done: told.append(done))
    assert told == sorted(told)
    assert PackingReport.from_json(report_path(tmp_path, PACKING_FILE).read_bytes()) == report
    assert not report_path(tmp_path, PLACEMENT_FILE).exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "reports" / "placement").rglob("*.json")}
    assert len(kept) == 2 * 2 * 2
    assert compare_packing(tmp_path, settings, harm=0.02) == report
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    few, many = (at.pods_per_node for at in report.policies[0].curve)
    assert few < many
