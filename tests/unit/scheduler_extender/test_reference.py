"""What the extender's page says is what the code does, and what it names as seen is a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_extender.errors import ExtenderError
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.reference import BLOCKS, PAGE, main, metrics, rendered
from scheduler_extender.settings import ExtenderSettings
from tests.unit.scheduler_extender.conftest import Build

ROOT = PAGE.parents[1]
TEXT = PAGE.read_text(encoding="utf-8")
EVENT = re.compile(r"^\| `(?P<name>[a-z-]+)` \| (?P<level>\w+) \|", re.MULTILINE)
SEEN = re.compile(r"(?P<e2e>e2e )?`(?P<test>test_\w+)`")
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "once": "warning", "once_a_node": "warning"}
"""By the name of what logs."""


def test_the_committed_page_is_what_the_code_says() -> None:
    assert main(["--check"]) == 0, "run `python -m scheduler_extender.reference --write`"


def test_a_page_that_is_due_is_said_to_be_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("".join(f"before\n<!-- begin {name} -->\nold\n<!-- end {name} -->\nafter\n" for name in BLOCKS))
    assert main(["--check", "--page", str(page)]) == 1
    assert "page.md is not what the code says: run `python -m scheduler_extender.reference" in capsys.readouterr().err
    assert main(["--write", "--page", str(page)]) == 0
    assert main(["--check", "--page", str(page)]) == 0
    assert f"before\n<!-- begin metrics -->\n{metrics()}<!-- end metrics -->\nafter\n" in page.read_text()


def test_a_page_without_its_block_is_refused() -> None:
    with pytest.raises(ExtenderError, match="no block settings: put <!-- begin settings -->"):
        rendered("# Settings\n<!-- end settings -->\n")


def test_each_metric_and_setting_is_documented(build: Build) -> None:
    shown = set(re.findall(r"^# TYPE (\S+)", build().exposition(), flags=re.MULTILINE))
    assert set(re.findall(r"^\| `(leeward_extender_\w+)` \| (?:counter|gauge) \|", TEXT, flags=re.MULTILINE)) == shown
    for model in (ExtenderSettings, LeewardPolicy):
        for field in model.model_fields.values():
            assert f"| `{field.alias}` |" in TEXT


def logged() -> Iterator[tuple[str, str]]:
    """Name and level of each event that the room's code can log."""
    for path in (ROOT / "scheduler_extender").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=teller), args=[ast.Constant(value=str(name)), *_]) if (
                    teller in LEVELS and re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
                ):
                    yield name, LEVELS[teller]


def test_each_event_is_documented_and_no_other() -> None:
    block = TEXT.partition("<!-- begin events -->")[2].partition("<!-- end events -->")[0]
    assert {row["name"]: row["level"] for row in EVENT.finditer(block)} == dict(logged())


def names_below(folder: str) -> set[str]:
    return {
        name
        for path in (ROOT / "tests" / folder).rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }


def test_whatever_is_named_as_seen_is_a_test() -> None:
    named = {(match["test"], bool(match["e2e"])) for match in SEEN.finditer(TEXT)}
    assert len(named) > 40
    there = {(name, False) for name in names_below("unit")} | {(name, True) for name in names_below("controlplane")}
    assert named - there == set()
