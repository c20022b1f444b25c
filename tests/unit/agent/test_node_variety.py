"""Every kind of node: what is left of the vector, and that nothing there brings the agent down."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from agent.coverage import coverage_of
from agent.errors import AgentError
from agent.readings import merge
from agent.settings import AgentSettings, Roots
from agent.sources.opening import opened
from agent.sources.perf import PerfSource
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology import Topology
from agent.topology_sysfs import read_topology
from agent.window import vectors_between
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of
from contracts.nodestate import MAXIMUM_BYTES, ConditionStatus, ConditionType, IsolatedCpuPolicy, Status
from contracts.regime import Regime
from tests.unit.agent import node_tables
from tests.unit.agent.fake_kernel import RAW, FakeKernel
from tests.unit.agent.machine_tree import build
from tests.unit.agent.nodes import PLAIN, VARIETIES, Variety
from tests.unit.agent.varied_node import VariedNode, features_by_domain, origins, status_of

UNCORE = frozenset({Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO})
UNCHARACTERISED = {"emerald-rapids", "amd"}
WHOLE = [
    "two-sockets",
    "hbm-flat",
    "hbm-flat-unnamed",
    "hbm-cache",
    "mcc",
    "no-smt",
    "offline-cpu",
    "gaps",
    "other-names",
]
AMOUNTS = {"io_bandwidth_share", "llc_occupancy_share"}
"""Features that are no quotients of two counts: they hang on how many boxes and clusters there are."""


def missing_features(status: Status) -> set[str]:
    return {name for name, origin in origins(status).items() if origin is None}


def missing_events(status: Status) -> frozenset[str]:
    return frozenset(event for group in status.coverage.missing for event in group.events)


def features_on(pmus: frozenset[Pmu]) -> set[str]:
    """Features whose first formula reads one of these."""
    return {
        spec.name
        for spec in FEATURE_SCHEMA_V1.features
        if any(EVENTS[event].pmu in pmus for event in events_of(spec.formulas[0]))
    }


@pytest.mark.parametrize("name", VARIETIES)
def test_every_missing_event_has_a_reason_and_the_node_state_fits(tmp_path: Path, name: str) -> None:
    node = VariedNode(tmp_path, VARIETIES[name])
    state = node.observe()
    assert state.status is not None
    coverage = state.status.coverage
    assert len(missing_events(state.status)) == coverage.wanted - coverage.opened
    assert all(group.reason for group in coverage.missing)
    assert {domain.regime for domain in state.status.domains} == {Regime.UNKNOWN}
    assert len(state.to_json()) < MAXIMUM_BYTES
    assert node.fake.open_counters == {}
    assert node.topology.doubts == ()


@pytest.mark.parametrize("name", VARIETIES)
def test_a_feature_whose_formulas_all_lack_an_event_is_missing_and_never_zero(name: str) -> None:
    status = status_of(name)
    missing = missing_events(status)
    for spec in FEATURE_SCHEMA_V1.features:
        if all(events_of(formula) & missing for formula in spec.formulas):
            assert {features[spec.name] for features in features_by_domain(status).values()} == {None}


@pytest.mark.parametrize("name", VARIETIES)
def test_what_survives_has_the_value_that_it_has_where_nothing_is_hidden(name: str) -> None:
    expected = features_by_domain(status_of("two-sockets"))["socket0"]
    status = status_of(name)
    survivors = {feature for feature, origin in origins(status).items() if origin is not None and not origin.fallback}
    for features in features_by_domain(status).values():
        for feature in survivors - AMOUNTS:
            assert features[feature] == pytest.approx(expected[feature], abs=1e-6), feature


@pytest.mark.parametrize("name", VARIETIES)
def test_sapphire_rapids_alone_is_characterised(name: str) -> None:
    condition = status_of(name).condition(ConditionType.CHARACTERISED)
    assert condition is not None
    assert (condition.status is ConditionStatus.FALSE) == (name in UNCHARACTERISED)


@pytest.mark.parametrize("name", WHOLE)
def test_these_nodes_have_every_feature_by_its_first_formula(name: str) -> None:
    assert {origin.fallback if origin else None for origin in origins(status_of(name)).values()} == {0}


def test_clusters_lack_what_can_not_be_split() -> None:
    status = status_of("snc4")
    assert [domain.name for domain in status.domains] == [
        f"socket{socket}-snc{cluster}" for socket in (0, 1) for cluster in range(4)
    ]
    assert missing_features(status) == {"io_bandwidth_share"}


def test_hbm_alone_has_no_dram_features_but_what_resctrl_gives() -> None:
    status = status_of("hbm-alone")
    assert missing_features(status) == {"memory_write_share", "read_queue_delay", "row_churn"}
    utilisation = features_by_domain(status)["socket0"]["dram_utilisation"]
    assert utilisation == pytest.approx(15e9 / 1638e9, abs=1e-6)
    assert [group.reason for group in status.coverage.missing if "HBM" in group.reason]


@pytest.mark.parametrize("name", ["vm", "vm-old-guest"])
def test_a_virtual_machine_has_raw_slots_and_nothing_of_the_uncore(name: str) -> None:
    status = status_of(name)
    assert missing_features(status) == features_on(UNCORE) | {"llc_occupancy_share", "fetch_latency_share"}
    assert {feature for feature, origin in origins(status).items() if origin and origin.fallback} == {
        "memory_bound_share",
        "core_bound_share",
        "branch_mispredict_share",
    }


@pytest.mark.parametrize("name", ["paranoid", *sorted(UNCHARACTERISED)])
def test_without_any_counter_resctrl_goes_on(name: str) -> None:
    features = features_by_domain(status_of(name))["socket0"]
    assert features["llc_occupancy_share"] is not None
    assert features["remote_dram_share"] == pytest.approx(0.25)


def test_a_kernel_that_knows_no_constraints_gets_only_what_fits_everywhere(tmp_path: Path) -> None:
    node = VariedNode(tmp_path, VARIETIES["unknown-to-kernel"])
    with opened(node.sources) as (core, *_):
        assert "MEM_LOAD_RETIRED.L3_MISS" not in core.events
        assert {"LONGEST_LAT_CACHE.MISS", "CPU_CLK_UNHALTED.THREAD", "TOPDOWN.MEMORY_BOUND_SLOTS"} <= core.events


def test_the_kernels_own_encoding_of_a_fixed_counter_is_taken(tmp_path: Path) -> None:
    node = VariedNode(tmp_path, VARIETIES["other-names"])
    with opened(node.sources):
        configs = {counter.config for counter in node.fake.open_counters.values() if counter.type == RAW}
    assert 0x100 in configs
    assert 0xC0 not in configs


def test_isolated_cpus_of_every_kind_are_left_alone(tmp_path: Path) -> None:
    node = VariedNode(tmp_path, VARIETIES["all-isolated"])
    assert node.topology.isolated_cpus == frozenset(range(8))
    with opened(node.sources):
        assert {counter.type for counter in node.fake.open_counters.values()}.isdisjoint({RAW})


def window_features(node: VariedNode, *, breaking: Sequence[int]) -> dict[str, dict[str, float]]:
    """One window in whose middle the CPUs in ``breaking`` go offline."""
    with opened(node.sources):
        first = merge([source.read() for source in node.sources])
        node.pass_time(0.5)
        node.fake.unreadable = {
            counter.fd
            for counter in node.fake.open_counters.values()
            if counter.cpu in breaking and counter.type == RAW
        }
        node.pass_time(0.5)
        last = merge([source.read() for source in node.sources])
    vectors = vectors_between(first, last, node="node-1", topology=node.topology)
    return {
        vector.domain: dict(zip(FEATURE_SCHEMA_V1.names, vector.values.tolist(), strict=True)) for vector in vectors
    }


@pytest.mark.parametrize("breaking", [(1,), (0, 4), (0, 1, 4)])
def test_a_cpu_that_goes_offline_changes_no_feature_of_the_others(tmp_path: Path, breaking: tuple[int, ...]) -> None:
    """Its counters can't be read any more; those of boxes follow the kernel to another CPU and go on."""
    whole = window_features(VariedNode(tmp_path / "whole", Variety(title="")), breaking=())
    short = window_features(VariedNode(tmp_path / "short", Variety(title="")), breaking=breaking)
    for domain, features in whole.items():
        assert short[domain] == pytest.approx(features, rel=1e-5)


def test_a_whole_socket_that_goes_offline_is_missing_and_leaves_the_other_alone(tmp_path: Path) -> None:
    whole = window_features(VariedNode(tmp_path / "whole", Variety(title="")), breaking=())
    short = window_features(VariedNode(tmp_path / "short", Variety(title="")), breaking=(0, 1, 4, 5))
    assert short["socket1"] == pytest.approx(whole["socket1"], rel=1e-5)
    core_only = {
        spec.name
        for spec in FEATURE_SCHEMA_V1.features
        if all(EVENTS[event].pmu is Pmu.CORE for formula in spec.formulas for event in events_of(formula))
    }
    assert all(short["socket0"][feature] != short["socket0"][feature] for feature in core_only), "NaN"


def test_reopened_after_a_change_the_boxes_are_counted_from_the_cpu_that_took_over(tmp_path: Path) -> None:
    node = VariedNode(tmp_path, VARIETIES["offline-cpu"])
    with opened(node.sources):
        boxes = {counter.cpu for counter in node.fake.open_counters.values() if counter.type != RAW}
    assert boxes == {1, 2}


SMALL = replace(PLAIN, sockets=1, threads=1, boxes={"cha": 1, "imc": 2, "upi": 1, "iio": 1})
HBM = replace(SMALL, model_name="Intel(R) Xeon(R) CPU Max 9480", memory_only_nodes=1, partitions="1")
GARBAGE = (
    b"",
    b"\n",
    b"garbage",
    b"-1",
    b"99999999999999999999999999",
    b"\xff\xfe\x00",
    b"3-1",
    b"0-99999999",
    b"1,,2",
    b"config:9",
)
DAMAGES = st.tuples(st.integers(0, 10_000), st.sampled_from(("delete", "directory", *GARBAGE)))


@pytest.fixture(scope="module")
def whole_trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    machines = (SMALL, replace(SMALL, clusters=2), replace(SMALL, old_kernel=True), HBM)
    roots = tuple(tmp_path_factory.mktemp("tree") for _ in machines)
    for root, machine in zip(roots, machines, strict=True):
        build(root, machine)
    return roots


@settings(max_examples=100, deadline=None)
@given(index=st.integers(0, 3), damages=st.lists(DAMAGES, min_size=1, max_size=8))
def test_no_damage_to_the_trees_brings_anything_but_an_agent_error(
    whole_trees: tuple[Path, ...], index: int, damages: list[tuple[int, str | bytes]]
) -> None:
    root = whole_trees[index]
    with damaged(root, damages):
        topology = topology_or_complaint(Roots.under(root))
        if isinstance(topology, str):
            event("no topology")
            assert str(root) in topology, "says where"
            return
        kernel = FakeKernel().kernel
        source_settings = AgentSettings(roots=Roots.under(root), isolated_cpus=IsolatedCpuPolicy.FULL)
        sources = (
            PerfSource(topology=topology, settings=source_settings, kernel=kernel),
            UncoreSource(topology=topology, settings=source_settings, kernel=kernel),
            ResctrlSource(topology=topology, settings=source_settings),
        )
        with opened(sources) as answers:
            for source in sources:
                source.read()
    coverage = coverage_of(answers)
    assert sum(len(group.events) for group in coverage.missing) == coverage.wanted - coverage.opened


def topology_or_complaint(roots: Roots) -> Topology | str:
    try:
        return read_topology(roots)
    except AgentError as error:
        return str(error)


@contextmanager
def damaged(root: Path, damages: list[tuple[int, str | bytes]]) -> Iterator[None]:
    """Files of a tree emptied, garbled, deleted or made directories; as before afterwards."""
    files = [root / "proc/cpuinfo", *sorted(path for path in (root / "sys").rglob("*") if path.is_file())]
    broken = {files[index % len(files)]: damage for index, damage in damages}
    before = {path: path.read_bytes() for path in broken}
    for path, damage in broken.items():
        path.unlink()
        if isinstance(damage, bytes):
            path.write_bytes(damage)
        elif damage == "directory":
            path.mkdir()
    try:
        yield
    finally:
        for path, content in before.items():
            if path.is_dir():
                path.rmdir()
            path.write_bytes(content)


def test_the_page_is_what_the_agent_does() -> None:
    page = node_tables.PAGE.read_text(encoding="utf-8")
    assert node_tables.rendered(page) == page, "run python -m tests.unit.agent.node_tables --write"


def test_a_kind_of_node_without_its_place_on_the_page_is_told() -> None:
    with pytest.raises(ValueError, match="snc4"):
        node_tables.rendered("<!-- begin matrix -->\n<!-- end matrix -->")


@pytest.mark.parametrize("name", ["EACCES", "ENOENT", "EMFILE", "ENODEV", "EOVERFLOW"])
def test_a_kernel_that_refuses_everything_is_quoted(tmp_path: Path, name: str) -> None:
    variety = Variety(title="", machine=SMALL, refuse=lambda counter: int(getattr(errno, name)))
    status = VariedNode(tmp_path, variety).observe().status
    assert status is not None
    assert {group.errno for group in status.coverage.missing} == {name}
