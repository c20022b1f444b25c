"""``leeward agent record``: write down what this node's counters give."""

from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from cli.complaint import complaining_of

_Seconds = float | None
_Directory = Path | None


def record(
    file: Annotated[Path, typer.Argument(help="The new file.", dir_okay=False)],
    *,
    seconds: Annotated[float, typer.Option(min=0.1, max=604_800.0, help="How long to record.")] = 60.0,
    period: Annotated[_Seconds, typer.Option("--period", help="Seconds between two samples.")] = None,
    window: Annotated[_Seconds, typer.Option("--window", help="Seconds that a window lasts.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="The agent's settings file, in TOML.", dir_okay=False)
    ] = None,
    node: Annotated[str | None, typer.Option("--node", help="This node's name.")] = None,
    sys: Annotated[_Directory, typer.Option("--sys", help="Where sysfs is mounted.", file_okay=False)] = None,
    proc: Annotated[_Directory, typer.Option("--proc", help="Where procfs is mounted.", file_okay=False)] = None,
    resctrl: Annotated[_Directory, typer.Option("--resctrl", help="Where resctrl is mounted.", file_okay=False)] = None,
) -> None:
    """Record this node's counters, with the agent's own settings, into a file that replays as if it were the node."""
    from agent.descriptors import raise_descriptor_limit
    from agent.errors import AgentError
    from agent.record import record as record_readings
    from agent.settings_sources import settings_of
    from agent.sources.registry import sources_of
    from agent.stopping import stopped_by_signals
    from agent.topology_sysfs import read_topology
    from contracts.errors import ContractError

    told = {
        "node": node,
        "sampling_period_seconds": period,
        "window_seconds": window,
        "roots.sys": sys,
        "roots.proc": proc,
        "roots.resctrl": resctrl,
    }
    with complaining_of(AgentError, ContractError), stopped_by_signals(Event()) as stop:
        settings = settings_of(told=told, config=config)
        raise_descriptor_limit()
        topology = read_topology(settings.roots)
        report = record_readings(
            sources_of(topology, settings), path=file, topology=topology, settings=settings, seconds=seconds, stop=stop
        )
    typer.echo(
        f"{file}: {report.readings} readings, {report.windows} windows, {len(report.opened.events)} events counted, "
        f"{report.size_bytes / 1e6:.1f} MB"
    )
