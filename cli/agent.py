"""``leeward agent``: measure this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.agent_doctor import doctor
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
from cli.agent_pod import pod
from cli.agent_record import record
from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, claim

if TYPE_CHECKING:
    from agent.settings import AgentSettings

app = typer.Typer(help="The node agent: reads hardware counters of this machine.", no_args_is_help=True)
app.command()(doctor)
app.command()(pod)
app.command()(record)


ListenOption = Annotated[
    str | None, typer.Option("--listen", help="HOST:PORT for /metrics, /livez and /readyz; nowhere if not said.")
]
ReplayOption = Annotated[
    Path | None, typer.Option("--replay", help="A recording, in place of this machine's counters.", dir_okay=False)
]


@app.command()
def once(
    *,
    output: OutputOption = Output.TEXT,
    window: Annotated[float, typer.Option(min=0.1, max=600.0, help="Seconds between the two readings.")] = 1.0,
    node: NodeOption = None,
    config: ConfigOption = None,
    sys: SysOption = None,
    proc: ProcOption = None,
    resctrl: ResctrlOption = None,
    cgroup: CgroupOption = None,
) -> None:
    """Measure one window and print the NodeState."""
    from agent.errors import AgentError
    from agent.main import measure
    from contracts.errors import ContractError

    roots = {"roots.sys": sys, "roots.proc": proc, "roots.resctrl": resctrl, "roots.cgroup": cgroup}
    with complaining_of(AgentError, ContractError):
        report = measure(_settings({"node": node, **roots}, config), window_seconds=window)
        if output is Output.JSON:
            typer.echo(report.state.to_json(indent=2))
            return
    from rich.console import Console

    from agent.render import render

    Console().print(render(report.state, report.software))


@app.command()
def run(
    *,
    state: StateOption = None,
    node: NodeOption = None,
    config: ConfigOption = None,
    listen: ListenOption = None,
    replay: ReplayOption = None,
    sys: SysOption = None,
    proc: ProcOption = None,
    resctrl: ResctrlOption = None,
    cgroup: CgroupOption = None,
) -> None:
    """Measure until stopped, and publish the NodeState of window after window."""
    from agent.errors import AgentError
    from agent.main import run as run_agent
    from contracts.errors import ContractError

    roots = {"roots.sys": sys, "roots.proc": proc, "roots.resctrl": resctrl, "roots.cgroup": cgroup}
    told = {"state_directory": state, "node": node, "listen": listen, "replay": replay, **roots}
    with complaining_of(StateError, AgentError, ContractError):
        settings = _settings(told, config)
        claim(settings.state_directory)
        run_agent(settings)


def _settings(told: Mapping[str, object], config: Path | None) -> "AgentSettings":
    from agent.settings import AgentSettings
    from agent.settings_sources import settings_of

    return settings_of(told=told, config=config, defaults=AgentSettings(state_directory=DEFAULT))
