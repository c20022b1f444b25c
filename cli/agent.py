"""``leeward agent``: measure this machine."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, claim

if TYPE_CHECKING:
    from agent.settings import AgentSettings

app = typer.Typer(help="The node agent: reads hardware counters of this machine.", no_args_is_help=True)


class Output(StrEnum):
    """How a NodeState is printed."""

    TEXT = "text"
    JSON = "json"


SysOption = Annotated[Path, typer.Option("--sys", help="Where sysfs is mounted.", file_okay=False)]
ProcOption = Annotated[Path, typer.Option("--proc", help="Where procfs is mounted.", file_okay=False)]
ResctrlOption = Annotated[Path, typer.Option("--resctrl", help="Where resctrl is mounted.", file_okay=False)]
NodeOption = Annotated[str | None, typer.Option("--node", help="This node's name; NODE_NAME or the host's name else.")]


@app.command()
def once(
    *,
    output: Annotated[Output, typer.Option("--output", "-o", help="For people, or for programs.")] = Output.TEXT,
    window: Annotated[float, typer.Option(min=0.1, max=600.0, help="Seconds between the two readings.")] = 1.0,
    node: NodeOption = None,
    sys: SysOption = Path("/sys"),
    proc: ProcOption = Path("/proc"),
    resctrl: ResctrlOption = Path("/sys/fs/resctrl"),
) -> None:
    """Measure one window and print the NodeState."""
    from agent.errors import AgentError
    from agent.main import measure
    from contracts.errors import ContractError

    with complaining_of(AgentError, ContractError):
        report = measure(
            _settings(node=node, state=DEFAULT, sys=sys, proc=proc, resctrl=resctrl), window_seconds=window
        )
        if output is Output.JSON:
            typer.echo(report.state.to_json(indent=2))
            return
    from rich.console import Console

    from agent.render import render

    Console().print(render(report.state, report.software))


@app.command()
def run(
    *,
    state: StateOption = DEFAULT,
    node: NodeOption = None,
    sys: SysOption = Path("/sys"),
    proc: ProcOption = Path("/proc"),
    resctrl: ResctrlOption = Path("/sys/fs/resctrl"),
) -> None:
    """Measure until stopped, and publish the NodeState of window after window."""
    from agent.errors import AgentError
    from agent.main import run as run_agent
    from contracts.errors import ContractError

    with complaining_of(StateError, AgentError, ContractError):
        claim(state)
        run_agent(_settings(node=node, state=state, sys=sys, proc=proc, resctrl=resctrl))


def _settings(*, node: str | None, state: Path, sys: Path, proc: Path, resctrl: Path) -> "AgentSettings":
    from agent.main import settings_of
    from agent.settings import Roots

    return settings_of(state_directory=state, node=node, roots=Roots(sys=sys, proc=proc, resctrl=resctrl))
