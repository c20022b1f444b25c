"""Progress on a terminal: a bar that moves while a step works, and one line that stays when it is done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

Report = Callable[[str, float], None]
"""Takes what is being done, and how much of the step is done, 0 to 1."""

QUIET_SECONDS = 5.0
"""Where output is no terminal, a step says what it does no more often than this."""


@contextmanager
def step(console: Console, title: str, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Report]:
    """Show one step: a moving bar on a terminal, else a line now and then; a line with the seconds stays either way."""
    began = clock()
    report = _bar(console, title) if console.is_terminal else _lines(console, title, clock)
    with report as tell:
        yield tell
    console.print(f"[green]ok[/green]  {title} [dim]({clock() - began:.1f} s)[/dim]", soft_wrap=True)


@contextmanager
def _bar(console: Console, title: str) -> Iterator[Report]:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[title]}", table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        BarColumn(bar_width=12),
        TextColumn("[dim]{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        console=console,
        transient=True,
        expand=True,
    )
    with bar:
        task = bar.add_task("", total=1.0, title=title)
        yield lambda doing, done: bar.update(task, completed=done, description=doing)


@contextmanager
def _lines(console: Console, title: str, clock: Callable[[], float]) -> Iterator[Report]:
    said = clock()

    def tell(doing: str, done: float) -> None:
        nonlocal said
        if (now := clock()) - said >= QUIET_SECONDS:
            said = now
            console.print(f"    {title}: {doing} ({100 * done:.0f} %)", style="dim", soft_wrap=True)

    yield tell
