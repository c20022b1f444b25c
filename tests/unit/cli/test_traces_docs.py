"""``docs/foreign-traces.md`` says what happens."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.traces import app
from eval.traces.import_table import import_table
from eval.traces.mapping import SHIPPED, read_mapping
from eval.traces.refusal import Refusals
from tests.unit.eval.traces.own_table import LABEL, OWN, mapping_file, measurement, table_file

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests/unit/eval/traces/data"
PAGE = (ROOT / "docs/foreign-traces.md").read_text(encoding="utf-8")
MAPPINGS = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_example_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(DATA / "firewall-pcm.csv", tmp_path)
    (tmp_path / "pcm.toml").write_text(MAPPINGS[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    command, shown = re.findall(r"```console\n\$ leeward traces (.*?)\n(.*?)```", PAGE, flags=re.DOTALL)[0]
    done = CliRunner().invoke(app, command.split())
    assert (done.exit_code, done.stdout) == (0, shown)


def test_the_page_has_the_mapping_of_the_excerpt() -> None:
    assert tomllib.loads(MAPPINGS[0]) == tomllib.loads((DATA / "pcm.toml").read_text(encoding="utf-8"))


def test_the_mapping_of_ones_own_reads_a_table(tmp_path: Path) -> None:
    node = '[node]\nname = "n"\ncpu_vendor = "GenuineIntel"\ncpu_family = 6\ncpu_model = 85\n'
    mapping = read_mapping(mapping_file(tmp_path, MAPPINGS[1] + node))
    table = tmp_path / "table.csv"
    table.write_text("time" + (DATA / "combined.csv").read_text(encoding="utf-8"), encoding="utf-8")
    done = import_table(table, mapping, refusals=Refusals(), beside=tmp_path)
    assert (len(done.vectors), done.features) == (6, {"l3_request_miss_ratio": 6})


def test_the_label_gives_rows_of_the_company_alone(tmp_path: Path) -> None:
    mapping = read_mapping(mapping_file(tmp_path, OWN + MAPPINGS[2]))
    refusals = Refusals()
    done = import_table(table_file(tmp_path, measurement()), mapping, refusals=refusals, beside=tmp_path)
    usual = read_mapping(mapping_file(tmp_path, OWN + LABEL))
    assert done.traces
    assert done.traces == import_table(tmp_path / "table.csv", usual, refusals=Refusals(), beside=tmp_path).traces
    assert refusals.total == 0


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_mapping_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE
