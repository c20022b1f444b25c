"""What a campaign will run, before anything runs: every unit's experiments, drawn from the seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from eval.campaign.mixes import Mix, draw_mix
from eval.campaign.series import Series
from eval.campaign.settings import DAY_NS, CampaignSettings
from eval.testbed.catalogue import workload
from eval.testbed.node import SimulatedNode
from eval.testbed.stressor import SIBLING_AXES
from eval.testbed.workload import Workload


class Kind(StrEnum):
    """What a unit measures."""

    PROFILES = "profile runs"
    SERIES = "series against stressors"
    MIXES = "random mixes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A piece of a campaign that is measured whole, or again.

    Attributes:
        number: its place in the campaign; with the settings it says what the unit is.
        kind: what it measures.
        sweep: index of the clock setting, 0 where clocks are not set.
        node: index of the node; 0 for the profile runs, which have a node of their own.
        windows: about how many it takes, for progress.
    """

    number: int
    kind: Kind
    sweep: int = 0
    node: int = 0
    windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a campaign runs.

    Attributes:
        workloads: that take part.
        series, mixes: of each node, in the order in which they run.
        units: in the order of their numbers.
        sweep_ns: simulated time from one clock setting's beginning to the next one's: whole days, more than any node
            takes.
    """

    workloads: tuple[Workload, ...]
    series: tuple[tuple[Series, ...], ...]
    mixes: tuple[tuple[Mix, ...], ...]
    units: tuple[Unit, ...]
    sweep_ns: int


def plan_of(settings: CampaignSettings, nodes: Sequence[SimulatedNode]) -> Plan:
    """Plan a campaign.

    Args:
        settings: its size and seed.
        nodes: empty ones, as many as it runs on.

    Raises:
        TestbedError: the settings name a workload that does not exist.
    """
    workloads = tuple(workload(name) for name in settings.workloads)
    rng = np.random.default_rng(settings.seed)
    series = _series(workloads, nodes, settings, rng)
    mixes = _mixes(workloads, nodes, settings, rng)
    units = _units(settings, series, mixes)
    longest = sum(unit.windows for unit in units if unit.sweep == 0) * settings.window_seconds
    return Plan(
        workloads=workloads,
        series=series,
        mixes=mixes,
        units=units,
        sweep_ns=math.ceil(2 * longest * 1e9 / DAY_NS) * DAY_NS,
    )


def _series(
    workloads: Sequence[Workload],
    nodes: Sequence[SimulatedNode],
    settings: CampaignSettings,
    rng: np.random.Generator,
) -> tuple[tuple[Series, ...], ...]:
    pairs = [(subject, axis) for subject in workloads for axis in settings.axes]
    planned: list[list[Series]] = [[] for _ in nodes]
    for turn, index in enumerate(rng.permutation(len(pairs)).tolist()):
        subject, axis = pairs[index]
        host = _host(nodes, first=turn, needs_smt=axis in SIBLING_AXES)
        planned[host].append(Series(workload=subject, axis=axis, intensities=settings.intensities))
    return tuple(map(tuple, planned))


def _host(nodes: Sequence[SimulatedNode], *, first: int, needs_smt: bool) -> int:
    """The next node, from ``first`` on and round, that can run it."""
    turns = ((first + step) % len(nodes) for step in range(len(nodes)))
    return next(turn for turn in turns if nodes[turn].topology.smt or not needs_smt)


def _mixes(
    workloads: Sequence[Workload],
    nodes: Sequence[SimulatedNode],
    settings: CampaignSettings,
    rng: np.random.Generator,
) -> tuple[tuple[Mix, ...], ...]:
    planned: list[list[Mix]] = [[] for _ in nodes]
    rooms = [min(node.free_cores(domain.name) for domain in node.topology.domains) for node in nodes]
    for turn in range(settings.mixes):
        host = turn % len(nodes)
        mix = draw_mix(workloads, settings, room=rooms[host], smt=nodes[host].topology.smt, rng=rng)
        planned[host].append(mix)
    return tuple(map(tuple, planned))


def _units(
    settings: CampaignSettings, series: Sequence[Sequence[Series]], mixes: Sequence[Sequence[Mix]]
) -> tuple[Unit, ...]:
    probes = len(settings.axes) * len(settings.probe_intensities) * settings.probe_windows
    stressors = len(settings.axes) * len(settings.intensities)
    windows = len(settings.workloads) * (probes + settings.probe_windows + 1) + stressors * settings.probe_windows
    units = [Unit(number=0, kind=Kind.PROFILES, windows=windows)]
    each = 3 + 4 * len(settings.intensities)
    lengths = {
        Kind.SERIES: [math.ceil(each * len(own) / 2) for own in series],
        Kind.MIXES: [math.ceil(2 * len(own) / 2) for own in mixes],
    }
    for sweep in range(max(1, len(settings.clocks))):
        for kind, of_nodes in lengths.items():
            for node, windows in enumerate(of_nodes):
                units.append(Unit(number=len(units), kind=kind, sweep=sweep, node=node, windows=windows))
    return tuple(units)
