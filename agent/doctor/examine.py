"""The doctor's round: read the node, probe its counters, judge every topic."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent.descriptors import raise_descriptor_limit
from agent.doctor import boxes, counters, cpus, hardware, privileges, reach, surroundings
from agent.doctor.causes import causes
from agent.doctor.check import Check, Verdict
from agent.doctor.granted_counters import counters_of_node
from agent.doctor.machine import read_machine
from agent.doctor.node import UNCORE_TOPICS, Node
from agent.doctor.offer import axis_offers, in_the_way_of, offered_features
from agent.doctor.probe import probe, work
from agent.doctor.process import read_process
from agent.doctor.report import Report
from agent.doctor.resctrl import resctrl
from agent.pmu_sysfs import Boxes, read_boxes
from agent.publish_api import SERVICE_ACCOUNT
from agent.settings import AgentSettings
from agent.sources.kernel import Kernel
from agent.sources.protocol import CounterSource
from agent.sources.registry import sources_of
from agent.state import agent_version
from agent.topology import Topology
from agent.topology_sysfs import read_topology
from contracts.events import Pmu
from contracts.features import FEATURE_SCHEMA_V1

OpenSources = Callable[[Topology, AgentSettings], Sequence[CounterSource]]


def examine(
    settings: AgentSettings,
    *,
    reach_servers: bool = False,
    environment: Mapping[str, str] = os.environ,
    account: Path = SERVICE_ACCOUNT,
    sources: OpenSources = sources_of,
    kernel: Kernel | None = None,
    work: Callable[[float], None] = work,
    clock_state: Callable[[], int] = surroundings.clock_state,
) -> Report:
    """Look at everything once. Opens the agent's counters for a third of a second and closes them; changes nothing.

    Args:
        settings: as the agent would run with.
        reach_servers: whether to ask API server, ingest and model server.
        environment: of the process.
        account: where the service account is mounted.
        sources: makes the counter sources.
        kernel: the system calls.
        work: fills the time between two readings.
        clock_state: what ``adjtimex`` returns.

    Raises:
        TopologyError: the roots hold no machine.
        AgentError: no event group is enabled.
    """
    raise_descriptor_limit()
    node = _read(settings, environment=environment, sources=sources, kernel=kernel or Kernel(), work=work)
    checks = (
        *_checks(node),
        surroundings.clock(clock_state),
        *_servers(node, environment=environment, account=account, reach_servers=reach_servers),
    )
    counting = node.probe.counting
    available = offered_features(counting)
    return Report(
        node=settings.node,
        agent_version=agent_version(),
        domains=tuple(domain.name for domain in node.topology.domains),
        available=available,
        missing=tuple(name for name in FEATURE_SCHEMA_V1.names if name not in available),
        axes=axis_offers(available),
        checks=tuple(
            replace(check, features=in_the_way_of(node.lost_to(check.topic), events=counting)) for check in checks
        ),
    )


def _read(
    settings: AgentSettings,
    *,
    environment: Mapping[str, str],
    sources: OpenSources,
    kernel: Kernel,
    work: Callable[[float], None],
) -> Node:
    topology = read_topology(settings.roots)
    node = Node(
        settings=settings,
        topology=topology,
        machine=read_machine(settings.roots),
        process=read_process(settings.roots, environment),
        boxes={pmu: _boxes(settings.roots.sys, pmu) for pmu in UNCORE_TOPICS},
        granted=counters_of_node(topology, settings, kernel),
        probe=probe(sources(topology, settings), topology=topology, settings=settings, work=work),
    )
    return replace(node, causes=causes(node))


def _boxes(sys: Path, pmu: Pmu) -> Boxes:
    try:
        return read_boxes(sys, pmu)
    except OSError:
        return Boxes()


def _checks(node: Node) -> tuple[Check, ...]:
    return (
        hardware.cpu(node),
        hardware.virtual_machine(node),
        hardware.kernel(node),
        cpus.topology(node),
        cpus.online_cpus(node),
        cpus.isolated_cpus(node),
        cpus.clusters(node),
        cpus.cache(node),
        privileges.permission(node),
        privileges.system_calls(node),
        privileges.open_files(node),
        counters.event_groups(node),
        counters.remote_reads(node),
        counters.core_counters(node),
        counters.watchdog(node),
        *(boxes.uncore_boxes_of(pmu, node) for pmu in UNCORE_TOPICS),
        counters.readings(node),
        resctrl(node),
        surroundings.pods(node),
        surroundings.state_directory(node),
    )


def _servers(node: Node, *, environment: Mapping[str, str], account: Path, reach_servers: bool) -> tuple[Check, ...]:
    check = surroundings.api_server(environment, account)
    if not reach_servers:
        return (check,)
    is_ready = check.verdict is Verdict.OK and node.process.in_pod
    return (
        reach.reach_api_server(environment, account) if is_ready else check,
        reach.reach_ingest(node.settings),
        reach.reach_model_server(node.settings),
    )
