"""A pod's window as a person reads it in a terminal, from 80 columns on."""

from rich.console import Group, RenderableType
from rich.text import Text

from agent.render import counted, events, features, missing, section, when
from agent.state import agent_version, utc_from_ns
from agent.workload.window import PodWindow
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import DomainState, Status, Window
from contracts.regime import Regime
from contracts.vector import FeatureVector, to_json_values

_CPUS_SHOWN = 60
"""Characters of a list of CPUs."""


def render_pod(window: PodWindow) -> RenderableType:
    """Features a domain, where the pod was counted, what could not be counted, and its software events."""
    status = _status(window)
    return Group(
        Text(f"pod {window.uid}", style="bold"),
        Text(f"on {window.node}, {when(status)}"),
        section("Counted on", Text(_places(window))),
        section("Features", features(status.domains)),
        section(counted(status), missing(status)),
        section("Kernel software events of the pod", events(window.software)),
    )


def cpu_list(cpus: tuple[int, ...]) -> str:
    """The kernel's notation for ascending CPUs.

    >>> cpu_list((0, 1, 2, 8, 10, 11))
    '0-2,8,10-11'
    """
    starts = [cpu for index, cpu in enumerate(cpus) if index == 0 or cpus[index - 1] != cpu - 1]
    ends = [cpu for index, cpu in enumerate(cpus) if index == len(cpus) - 1 or cpus[index + 1] != cpu + 1]
    return ",".join(str(start) if start == end else f"{start}-{end}" for start, end in zip(starts, ends, strict=True))


def _places(window: PodWindow) -> str:
    counted = f"CPUs {_shortened(cpu_list(window.cpus))}" if window.cpus else "no CPU"
    left = f"; left alone since isolated: {_shortened(cpu_list(window.spared))}" if window.spared else ""
    return counted + left


def _shortened(text: str) -> str:
    return text if len(text) <= _CPUS_SHOWN else text[: _CPUS_SHOWN - 3] + "..."


def _status(window: PodWindow) -> Status:
    """The window in the form that NodeStates are shown in; nothing judges a single pod's regime."""
    domains = tuple(_domain(vector) for vector in window.vectors)
    return Status(
        agent_version=agent_version(),
        feature_schema=FEATURE_SCHEMA_V1.digest,
        heartbeat=domains[0].window.end,
        regimes="",
        coverage=window.coverage,
        domains=domains,
    )


def _domain(vector: FeatureVector) -> DomainState:
    return DomainState(
        name=vector.domain,
        window=Window(start=utc_from_ns(vector.window_start_ns), end=utc_from_ns(vector.window_end_ns)),
        features=tuple(to_json_values(vector.values)),
        regime=Regime.UNKNOWN,
    )
