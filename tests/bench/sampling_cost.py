"""What it costs in placement that kube-scheduler asks about a sample of the nodes, by how many of them are pressed.

python -m tests.bench.sampling_cost [--nodes 5000] [--pods 600]

The scores are the extender's, by a bundle of the size that the pipelines train. The fleet is invented: nodes of two
domains with one resident each, the pressure of a domain drawn from 0 to 0.2 where it is quiet and from 0.5 to 1 where
it is pressed, without regard to the node's name or its neighbours. Who is placed does not stay: each pod finds the
same fleet. Ratios are of the worst party's bound to its tolerance on the chosen node, the newcomer's or a resident's.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.regime import Regime
from eval.intervals import exact_share
from scheduler_extender.main import build_extender
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.service import Extender
from scheduler_extender.settings import ExtenderSettings
from tests.bench.extender_load import champion
from tests.unit.scheduler_extender.small_cluster import (
    KNOWN_PROFILES,
    NOW,
    Domain,
    args,
    node_state,
    place,
    pod_object,
    publish,
)

PRESSED_SHARES = (0.1, 0.5, 0.8, 0.95, 0.99)
"""Of all domains; a node has two, and the worse one counts."""
TOLERANCE = 2.0
_TOLERATES = {"leeward.dev/max-slowdown": f"{TOLERANCE}"}
_REQUIRES = _TOLERATES | {"leeward.dev/enforcement": "required"}
_DOMAINS = 2
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """At one share of pressed domains.

    Attributes:
        pressed: that share.
        suitable: share of pods and nodes where no party would exceed its tolerance.
        with_all, with_sample: ratio of the chosen node, one a pod, with all nodes asked about and with a sample.
        refused: pods out of ``len(with_sample)`` that require their tolerance and find no node in the sample.
        refused_of_all: the same with all nodes.
    """

    pressed: float
    suitable: float
    with_all: Sequence[float]
    with_sample: Sequence[float]
    refused: int
    refused_of_all: int


def sample_size(nodes: int) -> int:
    """How many feasible nodes kube-scheduler looks for by default.

    As ``numFeasibleNodesToFind`` in ``pkg/scheduler/schedule_one.go`` of Kubernetes 1.36: half of them less one percent
    for 125 nodes each, 5 % at least, and 100 nodes at least.
    """
    return min(nodes, max(100, nodes * max(5, 50 - nodes // 125) // 100))


def fill(state: Path, names: Sequence[str], *, pressed: float, random: np.random.Generator) -> None:
    """Write a NodeState of every node, and its residents."""
    for index, name in enumerate(names):
        uids = [f"{index}-{number}" for number in range(_DOMAINS)]
        publish(state, node_state(name, *(_domain(pressed, uid, random) for uid in uids)))
        place(
            state,
            *(
                pod_object(uid, node=name, profile=_profile(index + number), annotations=_TOLERATES)
                for number, uid in enumerate(uids)
            ),
        )


def cost(extender: Extender, names: Sequence[str], *, pressed: float, pods: int, random: np.random.Generator) -> Cost:
    """Place pods one after the other, among all nodes and among a sample of them."""
    kinds = [_newcomer(number) for number in range(len(KNOWN_PROFILES))]
    ratios = [_ratios(extender, kind, names) for kind in kinds]
    of_all = [extender.scores(kind, names) for kind in kinds]
    refused_of_all = [_is_refused(extender, number, names) for number in range(len(kinds))]
    with_all, with_sample, refused = [], [], 0
    for number in range(pods):
        kind = number % len(kinds)
        sample = random.choice(names, size=sample_size(len(names)), replace=False).tolist()
        with_all.append(ratios[kind][_chosen(of_all[kind], random)])
        with_sample.append(ratios[kind][_chosen(extender.scores(kinds[kind], sample), random)])
        refused += _is_refused(extender, number, sample)
    return Cost(
        pressed=pressed,
        suitable=float(np.mean(np.array([list(found.values()) for found in ratios]) <= 1.0)),
        with_all=with_all,
        with_sample=with_sample,
        refused=refused,
        refused_of_all=sum(refused_of_all[number % len(kinds)] for number in range(pods)),
    )


def costs(*, nodes: int, pods: int) -> Iterator[Cost]:
    """One share of pressed domains after the other."""
    random = np.random.default_rng(1)
    names = [f"spr-{index:05}" for index in range(nodes)]
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        champion(state)
        for pressed in PRESSED_SHARES:
            fill(state, names, pressed=pressed, random=random)
            extender = build_extender(state, ExtenderSettings(budget_seconds=600.0), clock=lambda: NOW)
            yield cost(extender, names, pressed=pressed, pods=pods, random=random)


def _domain(pressed: float, resident: str, random: np.random.Generator) -> Domain:
    if random.random() < pressed:
        pressure = random.uniform(0.5, 1.0)
        return Domain(pressure=pressure, pressed=pressure, regime=Regime.MEMBW, pods=(resident,))
    pressure = random.uniform(0.0, 0.2)
    return Domain(pressure=pressure, pressed=pressure, pods=(resident,))


def _profile(number: int) -> str:
    return KNOWN_PROFILES[number % len(KNOWN_PROFILES)].key


def _newcomer(number: int) -> Pod:
    return parse_pod(json.dumps(pod_object("new", profile=_profile(number), annotations=_TOLERATES)))


def _ratios(extender: Extender, pod: Pod, names: Sequence[str]) -> dict[str, float]:
    """By node, of its worst party."""
    return {found.node: found.parties[0].ratio for found in extender.explanation(pod, names).nodes}


def _chosen(scores: dict[str, int], random: np.random.Generator) -> str:
    """One of the best, as kube-scheduler takes one where its own plugins see no difference."""
    best = max(scores.values())
    return str(random.choice([name for name, score in scores.items() if score == best]))


def _is_refused(extender: Extender, number: int, names: Sequence[str]) -> bool:
    """Whether no node passes the filter for a pod that requires its tolerance."""
    pod = pod_object("new", profile=_profile(number), annotations=_REQUIRES)
    return not json.loads(extender.filter(args(pod, *names)).content)["NodeNames"]


def main() -> None:
    """Print the table of ``docs/benchmarks.md``."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=5000)
    options.add_argument("--pods", type=int, default=600, help="placed at each share of pressed domains")
    chosen = options.parse_args()
    size = sample_size(chosen.nodes)
    print(f"{size} of {chosen.nodes} nodes asked about, {chosen.pods} pods a line; ratios: median / 95 % / 99 %")
    print(
        "| domains pressed | nodes that suit | all asked | sample asked | refused, all asked | refused, sample asked |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for found in costs(nodes=chosen.nodes, pods=chosen.pods):
        print(_line(found), flush=True)


def _line(found: Cost) -> str:
    pods = len(found.with_sample)
    with_all, with_sample = (
        " / ".join(f"{value:.2f}" for value in np.percentile(ratios, [50, 95, 99]))
        for ratios in (found.with_all, found.with_sample)
    )
    refused = exact_share(found.refused, pods, confidence=_CONFIDENCE)
    return (
        f"| {found.pressed:.0%} | {found.suitable:.2%} | {with_all} | {with_sample} "
        f"| {found.refused_of_all / pods:.0%} | {refused.value:.1%} ({refused.lower:.1%} to {refused.upper:.1%}) |"
    )


if __name__ == "__main__":
    main()
