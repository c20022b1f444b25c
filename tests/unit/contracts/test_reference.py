from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.features import CLAMP_TOLERANCE, FEATURE_SCHEMA_V1
from contracts.nodestate import MAXIMUM_BYTES, MAXIMUM_DOMAINS, MAXIMUM_PODS
from contracts.reference import BLOCKS, PAGE, features, is_current, main, rendered
from contracts.regime import MINIMUM_PRESENT_FEATURES, Threshold
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR

EMPTY = "".join(f"# {name}\n<!-- begin {name} -->\n<!-- end {name} -->\n" for name in BLOCKS)


def test_the_committed_page_is_what_the_contracts_say() -> None:
    assert is_current(), "run `python -m contracts.reference --write`"


def test_figures_in_the_prose_are_the_contracts_own() -> None:
    prose = " ".join(PAGE.read_text(encoding="utf-8").split())
    threshold = Threshold()
    for sentence in (
        f"at or above {threshold.pressed} the axis is pressed, at or below {threshold.clear} it is clear",
        f"fewer than {MINIMUM_PRESENT_FEATURES} features are present",
        f"at most {CLAMP_TOLERANCE * 100:g} % of it is noise",
        f"under {MAXIMUM_BYTES // 1024} KiB",
        f"no more than {MAXIMUM_PODS} pods are named",
        f"Down to {SLOWDOWN_FLOOR} it is kept",
        f"censored at {SLOWDOWN_CEILING:g} and marked",
    ):
        assert sentence in prose
    assert (MAXIMUM_DOMAINS, "up to eight domains" in prose) == (8, True)


def test_every_feature_has_its_line_with_all_its_formulas() -> None:
    lines = features().splitlines()[2:]
    assert len(lines) == len(FEATURE_SCHEMA_V1)
    for line, spec in zip(lines, FEATURE_SCHEMA_V1.features, strict=True):
        for text in (f"`{spec.name}`", spec.unit, spec.clock, f"`{spec.formula}`", *spec.fallbacks, *spec.axes):
            assert text in line


def test_prose_is_left_alone_and_a_second_writing_changes_nothing() -> None:
    page = rendered(f"before\n{EMPTY}after\n")
    assert page.startswith("before\n# ")
    assert page.endswith("-->\nafter\n")
    assert rendered(page) == page


@pytest.mark.parametrize(
    "page",
    ["", EMPTY.replace("begin axes", "begin axis"), EMPTY + EMPTY, EMPTY.replace("<!-- end axes -->", "")],
)
def test_a_page_without_its_blocks_is_refused(page: str) -> None:
    with pytest.raises(ContractError, match=r"the page has the blocks .*; axes, digests, .* are meant, each once"):
        rendered(page)


def test_write_then_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.md"
    path.write_text(EMPTY, encoding="utf-8")
    assert main(["--check", "--path", str(path)]) == 1
    assert "run `python -m contracts.reference --write`" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == EMPTY
    assert main(["--write", "--path", str(path)]) == 0
    assert main(["--check", "--path", str(path)]) == 0
