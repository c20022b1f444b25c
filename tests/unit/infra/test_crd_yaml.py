from pathlib import Path

import pytest
import yaml

from contracts.crd import custom_resource_definition
from infra.crd_yaml import CRD_PATH, is_current, main, rendered_crd


def test_committed_crd_is_what_the_contract_says() -> None:
    assert is_current(), "run `python -m infra.crd_yaml --write`"


def test_yaml_reads_back_as_the_contract() -> None:
    assert yaml.safe_load(CRD_PATH.read_text(encoding="utf-8")) == custom_resource_definition()


def test_no_anchor_is_written() -> None:
    tokens = yaml.scan(rendered_crd(), Loader=yaml.SafeLoader)
    assert not [token for token in tokens if isinstance(token, yaml.AnchorToken | yaml.AliasToken)]


def test_write_then_check(tmp_path: Path) -> None:
    path = tmp_path / "crd.yaml"
    assert main(["--write", "--path", str(path)]) == 0
    assert main(["--check", "--path", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == rendered_crd()


@pytest.mark.parametrize("content", [None, "", "apiVersion: v1\n"])
def test_check_refuses_another_file(content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "crd.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["--check", "--path", str(path)]) == 1
    assert "python -m infra.crd_yaml --write" in capsys.readouterr().err


def test_check_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "crd.yaml"
    path.write_text("edited\n", encoding="utf-8")
    main(["--check", "--path", str(path)])
    assert path.read_text(encoding="utf-8") == "edited\n"
