"""The report for a terminal and as a page: nothing is cut off, nothing is fetched, and nothing is said twice over."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from eval.shadow import ShadowReport, shadow_report
from eval.shadow.page import shadow_page
from eval.shadow.table import render_shadow
from tests.unit.eval.shadow.site import (
    LATER,
    MINUTE,
    MOVED,
    NO_BETTER,
    decision,
    evidence,
    of_group,
    party,
    went,
    write,
)
from tests.unit.eval.watch.site import GROUPS, KNOWN

EVIL = "<script>alert(1)</script>"


def whole(state: Path) -> ShadowReport:
    """Everything that a report may have: both arms, dangers, outcomes, odd things, and a name that is none."""
    lines = []
    for group in GROUPS:
        danger: dict[str, Any] = {**of_group(group, f"m-{group}", bound=1.9), **MOVED, "required": True, "failed": 1}
        lines.append(decision(f"m-{group}", **danger))
        steered = {**of_group(group, f"t-{group}"), "workload": f"t-{group}", "shadowed": False, "node": f"t-{group}"}
        steered["parties"] = (party(f"t-{group}", workload=f"t-{group}", node=f"t-{group}"),)
        lines.append(decision(f"t-{group}", **steered))
    evil = {**NO_BETTER, "workload": EVIL, "node": EVIL, "parties": (party("evil", workload=EVIL, bound=2.0),)}
    write(
        state,
        *lines,
        decision("evil", **evil),
        decision("unasked", score=None, ratio=None),
        decision("unbounded", ratio=None),
        b"{" + EVIL.encode(),
    )
    rows = [went(MINUTE, 1.9, group=group) for group in GROUPS]
    rows += [
        went(MINUTE, 1.0, group=group, node=f"t-{group}", victim={**_victim(group), "key": f"t-{group}"})
        for group in GROUPS
    ]
    return shadow_report(state, evidence(rows), now=LATER)


def _victim(group: str) -> dict[str, str]:
    return {"profile": KNOWN[group].digest, "group": group}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ShadowReport:
    return whole(tmp_path_factory.mktemp("whole"))


def terminal(report: ShadowReport, width: int) -> str:
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(render_shadow(report))
    printed = console.file
    assert isinstance(printed, StringIO)
    return printed.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_a_terminal_of_80_columns_shows_all_of_it(report: ShadowReport, width: int) -> None:
    shown = terminal(report, width)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    words = " ".join(shown.split())
    assert all(sentence in words for sentence in report.closing)
    for part in (
        "SIMULATED",
        "Nothing can be said of 2 (15 %)",
        "Who judged",
        "The filter would have ruled out the node taken for 5 pods",
        "5 more were placed with Leeward's scores",
        "Who was in danger",
        "How it really went",
        "In the shadow against steered",
        "lines that are no JSON, left out; first decisions.jsonl:14",
    ):
        assert part in words


def test_a_page_fetches_nothing_says_all_and_lets_no_name_in_as_markup(report: ShadowReport) -> None:
    page = shadow_page(report)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "@import" not in page
    assert page.count("<svg") == 4
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for part in ("Was it right?", "In the shadow against steered", "What was odd", "By node", "prefers-color-scheme"):
        assert part in page


def test_an_empty_report_is_a_page_and_a_terminals_text_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    report = shadow_report(tmp_path, evidence([]), now=LATER)
    assert "No pod was judged in this period" in terminal(report, 80)
    page = shadow_page(report)
    assert "No pod was judged in this period" in page
    assert "<svg" not in page


def test_a_report_without_outcomes_or_bounds_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    write(tmp_path, decision("a", ratio=None, best_ratio=None, parties=()))
    report = shadow_report(tmp_path, evidence([]), now=LATER)
    assert "nothing known" in terminal(report, 80)
    assert shadow_page(report).count("<svg") == 1
    assert "Nothing is known of how any of them went." in shadow_page(report)
