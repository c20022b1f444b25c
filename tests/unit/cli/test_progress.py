"""Progress is shown while a step works, and a line stays behind."""

from io import StringIO

import pytest
from rich.console import Console

from cli.progress import step


def test_a_line_with_the_seconds_stays() -> None:
    console = Console(file=StringIO(), width=40)
    with step(console, "a step with a title that is longer than the line"):
        pass
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.startswith("ok  a step with a title that is longer than the line (0.0 s)")
    assert shown.count("\n") == 1


def test_without_a_terminal_it_says_what_it_does_now_and_then() -> None:
    moments = iter([0.0, 0.0, 1.0, 6.0, 7.0, 8.0])
    console = Console(file=StringIO(), width=80)
    with step(console, "work", clock=lambda: next(moments)) as report:
        report("first", 0.1)
        report("second", 0.5)
        report("third", 0.6)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown == "    work: second (50 %)\nok  work (8.0 s)\n"


def test_on_a_terminal_a_bar_moves() -> None:
    console = Console(file=StringIO(), width=100, force_terminal=True)
    with step(console, "work") as report:
        report("half of it", 0.5)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "half of it" in shown
    assert "ok" in shown


def test_a_failing_step_leaves_no_ok_behind() -> None:
    console = Console(file=StringIO(), width=80)
    with pytest.raises(RuntimeError), step(console, "work"):
        raise RuntimeError
    assert "ok" not in console.file.getvalue()  # type: ignore[attr-defined]
