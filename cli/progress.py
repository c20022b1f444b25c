"""Progress on a terminal: a bar that moves while a step works, and one line that stays when it is done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Report = Callable[[str, float], None]
"""Takes what is being done, and how much of the step is done, 0 to 1."""


@contextmanager
def step(console: Console, title: str) -> Iterator[Report]:
    """Show one step.

    On a terminal a bar moves; where output is no terminal, a line says that the step began and each thing that it does.
    A line with the seconds stays either way.
    """
    started = time.monotonic()
    if not console.is_terminal:
        console.print(f"... {title}")
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[title]}"),
        BarColumn(bar_width=20),
        TextColumn("[dim]{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=1.0, title=title)
        said: set[str] = set()

        def report(doing: str, done: float) -> None:
            bar.update(task, completed=done, description=doing)
            if not console.is_terminal and doing not in said:
                said.add(doing)
                console.print(f"    {doing}", style="dim")

        yield report
    console.print(f"[green]ok[/green]  {title} [dim]({time.monotonic() - started:.1f} s)[/dim]")
