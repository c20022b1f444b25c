"""A site on the testbed that lives on, hour after hour, and may change: what the demonstration is watched on.

Each hour mixes of workloads run on simulated nodes, a stressor among them now and then. All of it is simulated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector, FloatArray, from_json_values, to_json_values
from eval.campaign.bench import Bench
from eval.campaign.mixes import Mix, draw_mix, run_mix
from eval.campaign.rows import RowWriter
from eval.campaign.settings import CampaignSettings
from eval.testbed.cluster import simulated_nodes
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.workload import Workload

HOUR_NS = 3_600_000_000_000

Firmware = Callable[[FloatArray], FloatArray]
"""From what the counters should show to what they show: float32 ``(len(schema),)``, NaN for missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What one hour left: labels, and the vectors of all windows."""

    rows: tuple[LabelledTrace, ...]
    vectors: tuple[FeatureVector, ...]


class LiveSite:
    """Simulated nodes in use.

    Args:
        settings: nodes, stressors and sizes of the mixes.
        campaign: what the rows say that they are of.
        mixes: an hour.
    """

    def __init__(self, settings: CampaignSettings, *, campaign: str, mixes: int) -> None:
        self._settings, self._campaign, self._mixes = settings, campaign, mixes
        self._alone: dict[Workload, float] = {}

    def hour(
        self,
        began_ns: int,
        workloads: Sequence[Workload],
        profiles: Mapping[str, WorkloadProfile],
        *,
        firmware: Firmware | None = None,
    ) -> Hour:
        """Live for an hour.

        Args:
            began_ns: UTC nanoseconds since 1970; the same hour is lived alike.
            workloads: who runs.
            profiles: theirs and the stressors', by key.
            firmware: what the nodes' counters do, if not what they should.
        """
        seed = int(np.random.SeedSequence((self._settings.seed, began_ns // HOUR_NS)).generate_state(1)[0])
        rng = np.random.default_rng(seed)
        nodes = simulated_nodes(seed=seed, count=self._settings.nodes, wall_ns=began_ns)
        writer = RowWriter(
            campaign=self._campaign, pressed_from=self._settings.pressed_from, profiles=profiles, simulated=True
        )
        alone = {one.name: self._alone_of(one) for one in workloads}
        vectors: list[FeatureVector] = []
        for number, node in enumerate(nodes):
            bench = Bench(node, window_seconds=self._settings.window_seconds)
            domains = [domain.name for domain in node.topology.domains]
            for _ in range(number, self._mixes, len(nodes) * len(domains)):
                mixes = [self._mix(workloads, node, rng) for _ in domains]
                bench.run(
                    [
                        run_mix(mix, bench, domain=domain, writer=writer, alone=alone)
                        for mix, domain in zip(mixes, domains, strict=True)
                    ]
                )
            vectors.extend(bench.take_vectors())
        hour = Hour(rows=tuple(writer.rows), vectors=tuple(vectors))
        return hour if firmware is None else _under(firmware, hour)

    def _mix(self, workloads: Sequence[Workload], node: SimulatedNode, rng: np.random.Generator) -> Mix:
        room = min(node.free_cores(domain.name) for domain in node.topology.domains)
        return draw_mix(workloads, self._settings, room=room, smt=node.topology.smt, rng=rng)

    def _alone_of(self, workload: Workload) -> float:
        """Its indicator with a domain to itself."""
        if workload not in self._alone:
            node = SimulatedNode(name="spr-alone", offer=FULL, seed=self._settings.seed)
            node.place("alone", workload, domain="socket0")
            node.advance(self._settings.window_seconds)
            self._alone[workload] = node.indicator("alone")
        return self._alone[workload]


def _under(firmware: Firmware, hour: Hour) -> Hour:
    def shown(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
        return tuple(to_json_values(firmware(from_json_values(values))))

    return Hour(
        rows=tuple(
            row.model_copy(update={"before": shown(row.before), "during": shown(row.during)}) for row in hour.rows
        ),
        vectors=tuple(replace(vector, values=firmware(vector.values)) for vector in hour.vectors),
    )
