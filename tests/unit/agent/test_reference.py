"""What the agent's pages say is what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from agent.errors import AgentError
from agent.health import PUBLISHED_WITHIN_SECONDS, SHORTEST_PATIENCE_SECONDS, WINDOWS_WITHOUT_END
from agent.reference import DOCS, PAGES, main, rendered, settings
from agent.settings import AgentSettings
from agent.settings_field import setting_fields
from agent.settings_sources import settings_of
from agent.status_server import CLIENT_SECONDS, LONGEST_REQUEST_BYTES, MAXIMUM_CLIENTS, RETRY_SECONDS
from tests.unit.agent.event_names import event_names

OPERATIONS = (DOCS / "agent-operations.md").read_text(encoding="utf-8")
SETTINGS = (DOCS / "agent-settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(?P<first>[^`]+)` \| (?P<second>[^|]+) \|", re.MULTILINE)


def test_the_committed_pages_are_what_the_code_says() -> None:
    assert main(["--check"]) == 0, "run `python -m agent.reference --write`"


def test_a_page_that_is_due_is_said_to_be_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, blocks in PAGES.items():
        text = "".join(f"before\n<!-- begin {block} -->\nold\n<!-- end {block} -->\nafter\n" for block in blocks)
        (tmp_path / name).write_text(text)
    assert main(["--check", "--docs", str(tmp_path)]) == 1
    assert "agent-settings.md is not what the code says: run `python -m agent.reference" in capsys.readouterr().err
    assert main(["--write", "--docs", str(tmp_path)]) == 0
    assert main(["--check", "--docs", str(tmp_path)]) == 0
    written = (tmp_path / "agent-settings.md").read_text()
    assert written == f"before\n<!-- begin settings -->\n{settings()}<!-- end settings -->\nafter\n"


def test_a_page_without_its_block_is_refused() -> None:
    with pytest.raises(AgentError, match="no block settings: put <!-- begin settings -->"):
        rendered("# Settings\n<!-- end settings -->\n", PAGES["agent-settings.md"])


def test_each_setting_is_documented_with_its_own_default() -> None:
    lines = dict(zip(setting_fields(AgentSettings), settings().splitlines()[2:], strict=True))
    for key, line in lines.items():
        _, named, _, default, lawful, meaning, _ = (cell.strip() for cell in line.split(" | ".strip()))
        assert named == f"`{key}`"
        assert meaning.endswith((".", ".**"))
        assert lawful
        if key == "node":
            assert default == "the host's name, in lower case"
            continue
        text = "" if default == "none" else default.replace("`", "")
        assert settings_of(told={key: text}, environment={}) == AgentSettings()


def test_the_file_on_the_page_is_followed(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", SETTINGS, flags=re.DOTALL)
    path = tmp_path / "agent.toml"
    path.write_text(example)
    followed = settings_of(config=path, environment={})
    assert len(tomllib.loads(example)) == 6
    assert followed.listen_address == ("0.0.0.0", 9464)
    assert followed.roots.cgroup == Path("/host/sys/fs/cgroup")


def test_each_event_and_trouble_is_documented_and_no_other() -> None:
    block = OPERATIONS.partition("<!-- begin events -->")[2].partition("<!-- end events -->")[0]
    documented = {row["first"]: row["second"] for row in ROW.finditer(block)}
    assert documented == event_names()


def test_figures_in_the_prose_are_the_codes_own() -> None:
    prose = " ".join(OPERATIONS.split())
    words = {3: "three", 5: "five", 8: "eight"}
    assert f"within {words[WINDOWS_WITHOUT_END]} window lengths, at least {SHORTEST_PATIENCE_SECONDS:g} s" in prose
    assert f"has been written within {PUBLISHED_WITHIN_SECONDS:g} s" in prose
    assert f"A client has {words[int(CLIENT_SECONDS)]} seconds in all" in prose
    assert f"{words[LONGEST_REQUEST_BYTES // 1024]} kilobytes; {words[MAXIMUM_CLIENTS]} are attended to" in prose
    assert f"tries again every {RETRY_SECONDS:g} s" in prose
