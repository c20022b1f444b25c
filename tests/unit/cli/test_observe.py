"""``leeward observe``: what a person reads, what lies there afterwards, and what is refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from contracts.profile import Tier, WorkloadProfile
from contracts.trace import LabelledTrace
from pipelines.dataset import TraceDataset, dataset_directory, write_dataset
from scheduler_extender.main import build_extender
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from serving.observed_workload import ObservedWorkload
from tests.unit.pipelines.test_observations import BATCH, MADE, NEW, window
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

MANY = tuple(window(number, 130.0) for number in range(60))


def ran(state: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["observe", "--state", str(state), *(str(argument) for argument in arguments)])


def promoted(state: Path, version: str) -> None:
    made = state.parent / f"made-{version}"
    digest = write_bundle(made, manifest=manifest(created=MADE, version=version), graphs=graphs(), profiles=PROFILES)
    install_champion(state, made, model="leeward", version=version, digest=digest)


def measured(state: Path, *traces: LabelledTrace) -> Path:
    directory = dataset_directory(state)
    write_dataset(TraceDataset(traces=traces, profiles=(NEW, *PROFILES)), directory)
    return directory


def written(state: Path) -> list[ObservedWorkload]:
    return [ObservedWorkload.from_json(file.read_bytes()) for file in sorted((state / "observed").iterdir())]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir()
    (state / ".leeward-state").touch()
    promoted(state, "1")
    return state


def test_own_windows_become_a_margin_that_the_extender_uses(state: Path) -> None:
    measured(state, *MANY[:3])
    assert "0 -> 3  x1.105 -> x1.105, the population's" in ran(state).stdout
    measured(state, *MANY)
    done = ran(state)
    assert done.exit_code == 0, done.output
    (new,) = written(state)
    assert (new.key, new.tier, len(new.scores)) == ("new", Tier.PROBED, 60)
    assert "3 -> 60  x1.105 -> x0.6" in done.stdout
    assert "tighter, the population's is x1.105" in done.stdout
    assert WorkloadProfile.from_json((state / "profiles" / "new.json").read_bytes()) == NEW
    assert build_extender(state).health().workloads_observed == 1


def test_a_workload_that_suffers_is_bounded_wider(state: Path) -> None:
    measured(state, *(window(number, 600.0) for number in range(9)))
    assert "wider, the population's is x1.105: it suffers more than was predicted" in ran(state).stdout


def test_windows_that_were_trained_on_are_counted_and_nothing_is_written(state: Path) -> None:
    measured(state, *(window(number, group="a") for number in range(7)))
    done = ran(state)
    assert "7 windows do not count: the model may have been trained on them" in done.stdout
    assert "No workload has a bound of its own" in done.stdout
    assert written(state) == []


def test_after_a_promotion_windows_are_scored_against_the_next_champion(state: Path) -> None:
    measured(state, *MANY)
    ran(state)
    promoted(state, "2")
    assert build_extender(state).health().observations_set_aside == 1
    assert "champion 2" in ran(state).stdout
    assert len({observed.bundle for observed in written(state)}) == 2
    assert build_extender(state).health().workloads_observed == 1


def test_windows_are_not_lost_unasked(state: Path, tmp_path: Path) -> None:
    measured(state, *MANY)
    ran(state)
    fewer = tmp_path / "fewer"
    write_dataset(TraceDataset(traces=MANY[:5], profiles=(NEW, BATCH)), fewer)
    done = ran(state, "--traces", fewer)
    assert done.exit_code == 1
    assert "of new more windows counted than these traces hold" in done.stderr
    assert [len(observed.scores) for observed in written(state)] == [60]
    assert ran(state, "--traces", fewer, "--forget").exit_code == 0
    assert [len(observed.scores) for observed in written(state)] == [5]


def test_without_a_champion_there_is_nothing_to_score_against(tmp_path: Path) -> None:
    done = ran(tmp_path / "empty")
    assert done.exit_code == 1
    assert "no champion serves" in done.stderr


def test_without_traces_it_says_so(state: Path) -> None:
    done = ran(state)
    assert done.exit_code == 1
    assert "run a campaign first" in done.stderr
