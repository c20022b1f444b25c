"""``leeward traces``: what a person reads, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.traces import app
from contracts.trace import LARGEST_NS
from eval.campaign.store import VECTORS_FILE
from eval.traces.output import REFUSED_FILE
from feature_repo.labels import labels_between
from feature_repo.store import open_store
from pipelines.dataset import PROFILES_FILE, TRACES_FILE, dataset_directory, read_dataset
from pipelines.extract import extract
from tests.unit.eval.traces.lab import write
from tests.unit.eval.traces.own_table import LABEL, OWN, mapping_file, measurement, second, table_file

DATA = Path(__file__).parents[1] / "eval/traces/data"


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_an_import_says_what_came_of_the_table_and_what_was_refused(tmp_path: Path) -> None:
    done = ran("import", DATA / "firewall-pcm.csv", "--mapping", DATA / "pcm.toml", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    for sentence in (
        "2 vectors and 0 labelled traces of 11 rows",
        "features: 2 of 31",
        "l3_miss_ratio: in 2 of 2",
        "Socket 0|FREQ, Socket 0|AFREQ and 25 more: the core clock, or what follows it: refused",
        "GenuineIntel family 6, model 85 is not characterised: every regime is unknown",
        "campaign foreign:drst-1gbps",
    ):
        assert sentence in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {VECTORS_FILE, REFUSED_FILE}


def test_a_labelled_import_can_be_validated(tmp_path: Path) -> None:
    table, mapping = table_file(tmp_path, measurement()), mapping_file(tmp_path, OWN + LABEL)
    done = ran("import", table, "--mapping", mapping, "--out", tmp_path / "out")
    assert (done.exit_code, "10 vectors and 2 labelled traces" in done.stdout) == (0, True), done.output
    checked = ran("validate", tmp_path / "out", "--out", tmp_path / "good")
    assert (checked.exit_code, checked.stdout.splitlines()[0]) == (
        0,
        f"2 of 2 rows are good, of 2 groups, in {tmp_path / 'good'}",
    )
    assert {path.name for path in (tmp_path / "good").iterdir()} == {
        TRACES_FILE,
        PROFILES_FILE,
        VECTORS_FILE,
        REFUSED_FILE,
    }


def test_validated_traces_are_taken_where_the_training_finds_them_and_taking_them_again_changes_nothing(
    tmp_path: Path,
) -> None:
    table, mapping = table_file(tmp_path, measurement()), mapping_file(tmp_path, OWN + LABEL)
    ran("import", table, "--mapping", mapping, "--out", tmp_path / "out")
    state = tmp_path / "state"
    for _ in range(2):
        done = ran("take", tmp_path / "out", "--state", state)
        assert done.exit_code == 0, done.output
        assert "campaign lab into the Feast repository" in done.stdout
        taken = read_dataset(dataset_directory(state))
        assert taken == read_dataset(tmp_path / "out")
        assert extract(taken, state) is taken
        assert len(labels_between(open_store(state), 0, LARGEST_NS)) == len(taken.traces)


def test_of_traces_with_a_refused_row_nothing_is_taken(tmp_path: Path) -> None:
    directory = write(tmp_path / "in", spoil=lambda plain: plain[2]["victim"].update(group=""))
    done = ran("take", directory, "--state", tmp_path / "state")
    assert done.exit_code == 1
    assert "1 missing group" in done.stdout
    assert "nothing was taken" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_refused_row_ends_a_validation_with_one_and_is_named(tmp_path: Path) -> None:
    directory = write(tmp_path / "in", spoil=lambda plain: plain[2]["victim"].update(group=""))
    done = ran("validate", directory, "--out", tmp_path / "good")
    assert done.exit_code == 1
    assert "12 of 13 rows are good" in done.stdout
    assert "  1 missing group" in done.stdout
    assert "traces.parquet:2: victim.group: String should have at least 1 character" in done.stdout
    assert [json.loads(line)["row"] for line in (tmp_path / "good" / REFUSED_FILE).read_text().splitlines()] == [2]


def test_without_vectors_it_says_what_was_not_checked(tmp_path: Path) -> None:
    done = ran("validate", write(tmp_path / "in", vectors=False))
    assert (done.exit_code, "whether before was measured before during was not checked" in done.stdout) == (0, True)


def test_rows_of_a_foreign_cpu_are_kept_out_unless_asked_for(tmp_path: Path) -> None:
    directory = write(tmp_path / "in", spoil=lambda plain: [row.update(campaign="foreign:lab") for row in plain])
    assert (ran("validate", directory).exit_code, ran("validate", directory, "--foreign").exit_code) == (1, 0)


@pytest.mark.parametrize(
    ("table", "mapping", "sentence"),
    [
        ("table.csv", "lost.toml", "leeward: mapping"),
        ("lost.csv", "mapping.toml", "No such file or directory; name a file"),
        ("table.csv", "clock.toml", "carries the core clock"),
    ],
)
def test_what_can_not_be_imported_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, table: str, mapping: str, sentence: str
) -> None:
    table_file(tmp_path, [second(1), second(2)])
    mapping_file(tmp_path, OWN)
    mapping_file(tmp_path, OWN.replace('column = "misses"', 'column = "AFREQ"'), "clock.toml")
    done = ran("import", tmp_path / table, "--mapping", tmp_path / mapping, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert not (tmp_path / "out").exists()


def test_many_refusals_are_shown_in_part_and_written_in_full(tmp_path: Path) -> None:
    rows = [second(time, misses="?" if time > 4 else 1) for time in range(1, 40)]
    mapping = mapping_file(tmp_path)
    done = ran("import", table_file(tmp_path, rows), "--mapping", mapping, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "  35 unreadable row" in done.stdout
    assert done.stdout.count("table.csv:") == 20
    assert len((tmp_path / "out" / REFUSED_FILE).read_text().splitlines()) == 35
