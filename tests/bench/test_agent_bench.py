"""What a window of a whole node costs, against the reading of its counters, in one run.

Two sockets of 32 threads and 40 boxes each; simulated time and fabricated counters, no kernel.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from agent.readings import merge
from agent.sources.protocol import Reading
from agent.window import vectors_between
from contracts.features import FEATURE_SCHEMA_V1
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.machine_tree import Machine

SAMPLE_NS = 10**10


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    fabricated = Node(
        tmp_path_factory.mktemp("node"), Machine(cores=16, boxes={"cha": 16, "imc": 8, "upi": 4, "iio": 12})
    )
    for source in fabricated.sources:
        source.open(FEATURE_SCHEMA_V1.events)
    return fabricated


def read(node: Node) -> Reading:
    return merge([source.read() for source in node.sources])


@pytest.mark.benchmark(group="a window of 64 CPUs and 80 boxes")
def test_reading_all_counters(node: Node, benchmark: BenchmarkFixture) -> None:
    assert benchmark(read, node).blocks


@pytest.mark.benchmark(group="a window of 64 CPUs and 80 boxes")
def test_from_two_readings_to_vectors(node: Node, benchmark: BenchmarkFixture) -> None:
    first = read(node)
    node.fake.advance(SAMPLE_NS)
    last = read(node)
    vectors = benchmark(vectors_between, first, last, node="n", topology=node.topology)
    assert len(vectors) == 2
