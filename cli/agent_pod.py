"""``leeward agent pod``: measure one pod by itself."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.agent_options import (
    CgroupOption,
    ConfigOption,
    NodeOption,
    Output,
    OutputOption,
    ProcOption,
    ResctrlOption,
    SysOption,
)
from cli.complaint import complaining_of

if TYPE_CHECKING:
    from agent.workload.window import PodWindow


class IsolatedCpus(StrEnum):
    """What is done with isolated CPUs: the contract's policies, whose module is too heavy for a help text."""

    NEVER = "never"
    SAMPLED = "sampled"
    FULL = "full"


MOST_COUNTERS = 4096


def pod(
    uid: Annotated[str, typer.Argument(help="The pod's UID; of a static pod, its kubernetes.io/config.hash.")],
    *,
    output: OutputOption = Output.TEXT,
    seconds: Annotated[float, typer.Option("--seconds", "-s", min=1.0, max=600.0, help="How long to measure.")] = 10.0,
    isolated_cpus: Annotated[
        IsolatedCpus,
        typer.Option("--isolated-cpus", help="Whether isolated CPUs are counted, which interrupts them."),
    ] = IsolatedCpus.NEVER,
    most_counters: Annotated[
        int, typer.Option("--most-counters", min=1, help="Ceiling on counters that are open at once.")
    ] = MOST_COUNTERS,
    config: ConfigOption = None,
    node: NodeOption = None,
    sys: SysOption = None,
    proc: ProcOption = None,
    resctrl: ResctrlOption = None,
    cgroup: CgroupOption = None,
) -> None:
    """Measure one pod of this node by itself, for some seconds, and print its vector in each domain it lives in.

    Every context switch of the pod costs some microseconds meanwhile. Nothing is left behind.
    """
    from threading import Event

    from agent.errors import AgentError
    from agent.settings_sources import settings_of
    from agent.stopping import stopped_by_signals
    from agent.workload.window import pod_window
    from contracts.errors import ContractError

    told = {
        "node": node,
        "isolated_cpus": isolated_cpus,
        "roots.sys": sys,
        "roots.proc": proc,
        "roots.resctrl": resctrl,
        "roots.cgroup": cgroup,
    }
    with complaining_of(AgentError, ContractError), stopped_by_signals(Event()) as stop:
        settings = settings_of(told=told, config=config)
        window = pod_window(settings, uid, seconds=seconds, most_counters=most_counters, stop=stop)
    _print(window, output)


def _print(window: "PodWindow", output: Output) -> None:
    if output is Output.JSON:
        from contracts.vector import to_json

        for vector in window.vectors:
            typer.echo(to_json(vector))
        return
    from rich.console import Console

    from agent.workload.render import render_pod

    Console().print(render_pod(window))
