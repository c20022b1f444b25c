"""Random mixes of two to six parties, stressors among them now and then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.axis import Axis
from eval.campaign.bench import Bench, Experiment
from eval.campaign.parties import participant
from eval.campaign.rows import RowWriter, Window
from eval.campaign.settings import CampaignSettings
from eval.testbed.hardware import CORES_PER_SOCKET
from eval.testbed.node import Occupant
from eval.testbed.stressor import SIBLING_AXES, Stressor
from eval.testbed.workload import Workload

STRESSED_SHARE = 0.45
"""Share of mixes with a stressor among them."""
SECOND_STRESSOR_SHARE = 0.3
"""Of those, the share with two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Parties in the order of their arrival, each workload once."""

    occupants: tuple[Occupant, ...]


def draw_mix(
    workloads: Sequence[Workload], settings: CampaignSettings, *, room: int, smt: bool, rng: np.random.Generator
) -> Mix:
    """Draw a mix that fits in whatever order its parties come.

    Args:
        workloads: to choose from.
        settings: sizes and intensities.
        room: how many workers the domain takes.
        smt: whether the node has second threads, which some stressors run on.
        rng: for the draw.
    """
    size = int(rng.integers(settings.smallest_mix, settings.largest_mix + 1))
    stressed = rng.random() < STRESSED_SHARE
    wanted = (2 if rng.random() < SECOND_STRESSOR_SHARE and size > 2 else 1) if stressed else 0
    chosen: list[Occupant] = [
        Stressor(axis=axis, intensity=float(rng.choice(settings.intensities)))
        for axis in _axes_that_run_together(settings.axes, smt=smt, rng=rng)[:wanted]
    ]
    largest = max((workload.exclusive_cores for workload in workloads), default=0)
    while sum(stressor.exclusive_cores for stressor in chosen) > min(room, CORES_PER_SOCKET) - largest:
        chosen.pop()
    if any(isinstance(occupant, Stressor) and occupant.axis in SIBLING_AXES for occupant in chosen):
        room = min(room, CORES_PER_SOCKET)
    left = room - sum(occupant.exclusive_cores for occupant in chosen)
    for index in rng.permutation(len(workloads)):
        candidate = workloads[index]
        if len(chosen) < size and candidate.exclusive_cores <= left:
            chosen.append(candidate)
            left -= candidate.exclusive_cores
    order = rng.permutation(len(chosen))
    return Mix(occupants=tuple(chosen[index] for index in order))


def _axes_that_run_together(axes: Sequence[Axis], *, smt: bool, rng: np.random.Generator) -> list[Axis]:
    """The axes in random order; of those that take all second threads one at most, and none where there are none."""
    order = [axes[index] for index in rng.permutation(len(axes))]
    on_siblings = [axis for axis in order if axis in SIBLING_AXES][: int(smt)]
    return [axis for axis in order if axis not in SIBLING_AXES or axis in on_siblings]


def run_mix(mix: Mix, bench: Bench, *, domain: str, writer: RowWriter, alone: Mapping[str, float]) -> Experiment:
    """Run one mix on an empty domain; it is left empty.

    Args:
        mix: the parties; the last of them is the latest arrival.
        bench, domain: where.
        writer: takes one row of each workload.
        alone: workload's name to its indicator alone.
    """
    node = bench.node
    uids = {f"{occupant.name}@{domain}": occupant for occupant in mix.occupants}
    *residents, latest = uids
    for uid in residents:
        node.place(uid, uids[uid], domain=domain)
    yield
    before = bench.latest(domain)
    node.place(latest, uids[latest], domain=domain)
    yield
    victims = [uid for uid, occupant in uids.items() if isinstance(occupant, Workload)]
    writer.write(
        Window(
            before=before,
            during=bench.latest(domain),
            participants={uid: participant(occupant) for uid, occupant in uids.items()},
            latest=latest,
            alone={uid: alone[uids[uid].name] for uid in victims},
            together={uid: node.indicator(uid) for uid in victims},
        )
    )
    for uid in uids:
        node.remove(uid)
