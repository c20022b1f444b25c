"""From counters to scores: simulated nodes, the agent's code, the extender as a process, kube-scheduler's bodies."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo import serving
from contracts.axis import Axis
from contracts.bundle import ColumnRange
from contracts.nodestate import NodeState
from contracts.regime import Regime
from eval.errors import EvaluationError
from eval.one_placement import Placement, ask_extender, measure_cluster, render_answers
from eval.one_placement.measured import EMPTY_NODE, PRESSED_NODE, MeasuredCluster
from eval.testbed.catalogue import WORKLOADS, workload
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from serving.interference_row import INTERFERENCE_COLUMNS, PRESSURE_COLUMNS
from tests.unit.serving.small_bundle import graphs, linear_graph, manifest, profile

RISES_WITH = {"domain.dram_utilisation": 1.0, f"others.highest.{Axis.LLC}": 0.5, "others.count": 0.1}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion that bounds slowdowns by what a domain's memory, and whoever lives there, presses."""
    directory = tmp_path_factory.mktemp("state")
    bound = linear_graph(INTERFERENCE_COLUMNS, RISES_WITH, bias=0.0, classifier=False)
    digest = write_bundle(
        directory / "made",
        manifest=manifest(
            ceiling=10.0,
            pressure_ranges=tuple(ColumnRange(column=name, minimum=0.0, maximum=8.0) for name in PRESSURE_COLUMNS),
        ),
        graphs=graphs() | {"slowdown-q50.onnx": bound, "slowdown-q90.onnx": bound},
        profiles=[profile(workload.name, sensitivity=1.3) for workload in WORKLOADS],
    )
    install_champion(directory, directory / "made", model="leeward", version="1", digest=digest)
    return directory


@pytest.fixture(scope="module")
def cluster(state: Path) -> MeasuredCluster:
    return measure_cluster(state, seed=1)


@pytest.fixture(scope="module")
def placement(state: Path, cluster: MeasuredCluster) -> Placement:
    with serving(state) as address:
        return ask_extender(address, cluster)


def test_every_node_is_measured_and_published_as_its_agent_would(state: Path, cluster: MeasuredCluster) -> None:
    published = [NodeState.from_json(path.read_bytes()) for path in sorted((state / "nodestates").glob("*.json"))]
    assert published == sorted(cluster.states, key=lambda seen: seen.metadata.name)
    assert len(published) == 16


def test_every_tenant_is_named_on_its_socket(cluster: MeasuredCluster) -> None:
    for node, seen in zip(cluster.nodes, cluster.states, strict=True):
        assert seen.status is not None
        tenants = {domain.name: set(node.occupants(domain.name)) for domain in seen.status.domains}
        assert {domain.name: set(domain.pods) for domain in seen.status.domains} == tenants
        assert all(domain.free_exclusive_cpus is not None for domain in seen.status.domains)


def test_on_a_node_with_every_event_every_feature_is_filled(cluster: MeasuredCluster) -> None:
    pressed = next(seen for seen in cluster.states if seen.metadata.name == PRESSED_NODE)
    assert pressed.status is not None
    assert all(None not in domain.features for domain in pressed.status.domains)
    assert all(domain.regime is not Regime.UNKNOWN for domain in pressed.status.domains)


def test_the_least_contended_node_wins_and_the_pressed_one_loses(placement: Placement) -> None:
    for answer in placement.pods:
        assert EMPTY_NODE in answer.winners
        assert PRESSED_NODE not in answer.winners
        assert all(0 <= entry.score <= 10 for entry in answer.nodes.values())


def test_scores_follow_what_really_happens(placement: Placement) -> None:
    """The simulator's truth, which nothing was trained on: winners do no worse than the middle node, to a percent."""
    truth = {name: shown.true_worst for name, shown in placement.nodes.items() if shown.true_worst is not None}
    winners = [truth[name] for name in placement.pods[0].winners if name in truth]
    assert max(winners) <= 1.01 * sorted(truth.values())[len(truth) // 2]


def test_the_truth_is_told_of_the_sockets_that_the_pod_has_room_on(cluster: MeasuredCluster) -> None:
    newcomer = workload("upf-large")
    wanting_a_whole_socket = cluster.true_worst_slowdowns(newcomer, exclusive_cpus=32)
    assert max(wanting_a_whole_socket.values()) < 1.05, "nobody else is on such a socket"
    assert wanting_a_whole_socket.keys() < cluster.true_worst_slowdowns(newcomer, exclusive_cpus=4).keys()


def test_no_cell_of_the_table_is_cut_off(placement: Placement) -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(render_answers(placement))
    shown = console.export_text()
    for word in (*placement.nodes, *(answer.pod for answer in placement.pods), "1.10", "truth"):
        assert word in shown
    assert "…" not in shown


def test_without_a_champion_there_is_nothing_to_judge_with(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="train first"):
        measure_cluster(tmp_path, seed=1)
