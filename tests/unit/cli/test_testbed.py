"""``leeward testbed pictures``, and whether the pictures of the documentation are those that it makes."""

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cli.testbed import app
from eval.pictures.gallery import PICTURES

DOCS = Path(__file__).parents[3] / "docs"
POINTS = 0.5
"""A seventieth of an inch: what other processors' rounding may move, and no eye sees."""

_HASHED = re.compile(r"\b[a-zA-Z][0-9a-f]{10}\b")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    directory = tmp_path_factory.mktemp("drawn") / "new" / "pictures"
    return directory, CliRunner().invoke(app, ["pictures", "--to", str(directory)])


def skeleton(svg: str) -> str:
    """All but numbers and what is derived from them."""
    return _NUMBER.sub("0", _HASHED.sub("hashed", svg))


def numbers(svg: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(_HASHED.sub("hashed", svg))]


@pytest.mark.slow
def test_the_command_writes_every_picture(drawn: tuple[Path, Result]) -> None:
    directory, done = drawn
    assert done.exit_code == 0, done.output
    assert f"{len(PICTURES)} pictures, all simulated, in {directory}" in done.stdout
    assert {file.name for file in directory.iterdir()} == {f"{name}.svg" for name in PICTURES}
    for file in directory.iterdir():
        assert "Simulated. " in file.read_text(encoding="utf-8"), file.name


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_the_documentation_has_the_pictures_that_the_command_makes(drawn: tuple[Path, Result], name: str) -> None:
    new = (drawn[0] / f"{name}.svg").read_text(encoding="utf-8")
    committed = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    due = f"docs/pictures/{name}.svg is not what the testbed does now: run `make pictures` and look at it"
    assert skeleton(committed) == skeleton(new), due
    assert np.allclose(numbers(committed), numbers(new), rtol=0.0, atol=POINTS), due


def test_the_page_shows_every_picture_and_no_other() -> None:
    page = (DOCS / "testbed.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(pictures/([a-z-]+)\.svg\)", page)
    assert shown == list(PICTURES)
    assert {file.stem for file in (DOCS / "pictures").glob("*.svg")} == set(PICTURES)


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(app, ["pictures", "--to", str(tmp_path / "file" / "pictures")])
    assert done.exit_code == 1
    assert "name a writable directory" in done.stderr
