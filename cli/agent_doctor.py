"""``leeward agent doctor``: what this node offers, what is missing, and what to change."""

from typing import Annotated

import typer

from cli.agent_options import (
    CgroupOption,
    ConfigOption,
    NodeOption,
    Output,
    OutputOption,
    ProcOption,
    ResctrlOption,
    StateOption,
    SysOption,
)
from cli.state import DEFAULT

EXIT_INCOMPLETE = 1
EXIT_BLIND = 2


def doctor(
    *,
    output: OutputOption = Output.TEXT,
    reach: Annotated[bool, typer.Option("--reach", help="Ask API server, ingest and model server as well.")] = False,
    state: StateOption = None,
    node: NodeOption = None,
    config: ConfigOption = None,
    sys: SysOption = None,
    proc: ProcOption = None,
    resctrl: ResctrlOption = None,
    cgroup: CgroupOption = None,
) -> None:
    """Say what this node offers, what is missing, and what to change.

    Exit code 0 where everything is there, 1 where something is missing, 2 where the doctor could not look.
    """
    from agent.doctor.examine import examine
    from agent.errors import AgentError
    from agent.settings import AgentSettings
    from agent.settings_sources import settings_of

    roots = {"roots.sys": sys, "roots.proc": proc, "roots.resctrl": resctrl, "roots.cgroup": cgroup}
    told = {"state_directory": state, "node": node, **roots}
    try:
        settings = settings_of(told=told, config=config, defaults=AgentSettings(state_directory=DEFAULT))
        report = examine(settings, reach_servers=reach)
    except AgentError as error:
        typer.echo(f"leeward: {error}", err=True)
        raise typer.Exit(code=EXIT_BLIND) from error
    if output is Output.JSON:
        typer.echo(report.to_json())
    else:
        from rich.console import Console

        from agent.doctor.render import render

        Console().print(render(report))
    if not report.is_complete:
        raise typer.Exit(code=EXIT_INCOMPLETE)
