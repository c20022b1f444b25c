"""``leeward eval shadow``: what it reads, what it writes, and what it says where there is nothing to read."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.eval.shadow.site import MINUTE, MOVED, decision, of_group, write


def said(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["eval", "shadow", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_a_week_is_reported_on_the_terminal_as_json_and_as_a_page(tmp_path: Path) -> None:
    state = write(tmp_path / "state", decision("a", **MOVED), decision("b", after=MINUTE))
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    code, output = said("--state", state, "--html", page, "--json", report)
    assert code == 0
    assert "Leeward would have moved 1 of 2 placements (50 %)" in output
    assert page.read_text().startswith("<!doctype html>")
    assert report.read_bytes() == (state / "reports" / "shadow.json").read_bytes()
    assert json.loads(report.read_bytes())["format"] == "leeward-shadow/1"
    assert not (state / "features").exists(), "a report is no reason to make a feature store"


def test_it_is_narrowed_by_time_namespace_and_workload(tmp_path: Path) -> None:
    state = write(tmp_path, decision("a"), decision("b", after=MINUTE), decision("c", **of_group("q", "c")))
    for narrowed, count in (
        (("--from", "2026-03-02T00:01"), 1),
        (("--to", "2026-03-02T00:01:00Z"), 2),
        (("--workload", "workload-q"), 1),
        (("--namespace", "edge"), 0),
        (("--from", "2026-03-03"), 0),
    ):
        code, output = said("--state", state, *narrowed)
        assert code == 0
        assert f"In the shadow: {count} pods placed" in output


def test_a_period_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    code, output = said("--state", tmp_path, "--from", "2026-03-02", "--to", "2026-03-02")
    assert code == 2
    assert "is not before --to" in output


def test_a_directory_without_decisions_is_complained_of_in_a_sentence(tmp_path: Path) -> None:
    code, output = said("--state", tmp_path)
    assert code == 1
    assert "is not there: name a state directory in which an extender recorded its decisions" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # Feast
def test_what_the_feature_store_knows_of_outcomes_is_joined(tmp_path: Path) -> None:
    from feature_repo.labels import write_labels
    from feature_repo.store import open_store
    from tests.unit.eval.shadow.site import went

    state = write(tmp_path, decision("a", **MOVED))
    write_labels(open_store(state), [went(MINUTE, 1.9)])
    code, output = said("--state", state)
    assert code == 0
    assert "Of 1 that it would have moved, 1 had a party beyond its tolerance" in output
    assert "SIMULATED. Outcomes are of a testbed" in output
