"""``leeward campaign run``: what it refuses, and what it leaves in the feature store."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.campaign import characterise, push_vectors, write_documents
from cli.main import app
from contracts.errors import ContractError
from contracts.slowdown import slowdown_of
from contracts.trace import LARGEST_NS, LabelledTrace
from eval.campaign import CampaignSettings, KeptInDirectory, run_into
from eval.campaign.errors import CampaignError
from eval.campaign.part import Part
from feature_repo.labels import labels_between, write_labels
from feature_repo.profiles import latest_profiles
from feature_repo.store import open_store
from pipelines.dataset import TraceDataset, dataset_directory, read_dataset
from pipelines.extract import extract
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset, vectors_of

DATASET = synthetic_dataset(groups=3, mixes=10)


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["campaign", "run", *arguments])


def silent(doing: str, done: float) -> None:
    pass


def kept_in(state: Path, dataset: TraceDataset) -> KeptInDirectory:
    """A whole campaign of two parts."""
    kept = KeptInDirectory(dataset_directory(state), name="synthetic", settings=b"{}")
    half = len(dataset.traces) // 2
    with kept.claimed():
        kept.keep(0, Part(rows=dataset.traces[:half], profiles=dataset.profiles, vectors=tuple(vectors_of(dataset))))
        kept.keep(1, Part(rows=dataset.traces[half:]))
        kept.complete()
    return kept


def labels_in(state: Path) -> tuple[LabelledTrace, ...]:
    return labels_between(open_store(state), 0, LARGEST_NS)


def as_found(traces: tuple[LabelledTrace, ...]) -> list[LabelledTrace]:
    return sorted(traces, key=lambda trace: (trace.window_start_ns, trace.node, trace.domain, trace.victim.key))


def files_in(state: Path) -> set[Path]:
    return set((state / "features").rglob("*.parquet"))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KeptInDirectory]:
    """A state directory whose feature store has all of a campaign."""
    state = tmp_path_factory.mktemp("state")
    kept = kept_in(state, DATASET)
    push_vectors(state, kept, report=silent)
    write_documents(state, kept, report=silent)
    return state, kept


def test_vectors_profiles_and_labels_are_what_the_training_asks_for(stored: tuple[Path, KeptInDirectory]) -> None:
    state, _ = stored
    assert list(labels_in(state)) == as_found(DATASET.traces)
    assert latest_profiles(open_store(state), [one.key for one in DATASET.profiles]) == DATASET.profiles
    dataset = read_dataset(dataset_directory(state))
    assert extract(dataset, state) is dataset


def test_a_campaign_that_is_run_again_writes_nothing_twice(stored: tuple[Path, KeptInDirectory]) -> None:
    state, kept = stored
    before = files_in(state)
    told: list[float] = []
    push_vectors(state, kept, report=silent)
    write_documents(state, kept, report=lambda _, done: told.append(done))
    assert files_in(state) == before
    assert told == sorted(told)
    assert (told[0], told[-1] < 1.0) == (0.0, True)


def test_labels_are_read_in_pieces_whatever_the_parts_are(stored: tuple[Path, KeptInDirectory]) -> None:
    _, kept = stored
    pieces = list(kept.labels(at_most=7))
    assert [trace for piece in pieces for trace in piece] == list(DATASET.traces)
    assert {len(piece) for piece in pieces[:-1]} == {7}


def test_labels_that_a_killed_run_did_not_write_are_written_by_the_next(tmp_path: Path) -> None:
    kept = kept_in(tmp_path, DATASET)
    write_labels(open_store(tmp_path), DATASET.traces[3:50])
    write_documents(tmp_path, kept, report=silent)
    assert list(labels_in(tmp_path)) == as_found(DATASET.traces)


def test_another_label_of_a_known_victim_and_window_is_refused_with_what_to_do(
    stored: tuple[Path, KeptInDirectory], tmp_path: Path
) -> None:
    state, _ = stored
    first, *rest = DATASET.traces
    together = first.together * 1.5
    slowdown = slowdown_of(first.indicator, alone=first.alone, together=together)
    changed = first.model_copy(update={"together": together, "slowdown": slowdown.value, "censored": slowdown.censored})
    other = kept_in(tmp_path, TraceDataset(traces=(changed, *rest), profiles=DATASET.profiles))
    before = files_in(state)
    with pytest.raises(ContractError, match=r"label_v1 of node-0/socket0/workload-0/.*name another state directory$"):
        write_documents(state, other, report=silent)
    assert files_in(state) == before


def test_a_campaign_of_other_settings_is_refused_in_a_sentence(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run_into(dataset_directory(state), CampaignSettings(workloads=("amf", "batch"), intensities=(1.0,), mixes=0))
    kept = read_dataset(dataset_directory(state))
    done = asked("--state", str(tmp_path), "--seed", "2")
    assert (done.exit_code, "holds files that are not Leeward's" in done.stderr) == (1, True)
    (state / ".leeward-state").touch()
    done = asked("--state", str(state), "--seed", "2", "--mixes", "0")
    assert done.exit_code == 1
    assert "holds a campaign of other settings (_settings.json says which)" in done.stderr
    assert read_dataset(dataset_directory(state)) == kept
    with pytest.raises(CampaignError):
        characterise(state, seed=1, mixes=0, clocks=(1.0,), report=silent)


def test_other_commands_do_not_load_what_shows_its_progress() -> None:
    code = "import sys, cli.campaign, cli.profile, cli.traces; print('rich.progress' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("arguments", [["--source", "replay"], ["somewhere"]], ids=["replay", "directory"])
def test_a_directory_goes_with_replay_and_only_with_it(arguments: list[str]) -> None:
    done = asked(*arguments)
    assert done.exit_code == 2
    assert "a directory goes with --source replay, and only with it" in " ".join(done.stderr.replace("│", "").split())


def test_clocks_are_numbers(tmp_path: Path) -> None:
    done = asked("--clocks", "fast,slow", "--state", str(tmp_path / "state"))
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "numbers with commas between are meant" in " ".join(done.stderr.replace("│", "").split())


def test_a_lab_without_a_schedule_is_told(tmp_path: Path) -> None:
    done = asked(str(tmp_path), "--source", "replay", "--state", str(tmp_path / "state"))
    assert done.exit_code == 1
    assert "lab.toml is missing: docs/campaigns.md says what a lab sends back" in done.stderr
