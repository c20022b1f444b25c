"""Rows built many at a time are those that serving builds one by one, and one more resident never helps."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.axis import AXES
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.vector import FloatArray
from scheduler_extender.directory import champion_of
from scheduler_extender.kept import CHUNK, SETTLED_AT_ONCE, Forecasts
from scheduler_extender.outlook import domain_rows, filled, join
from scheduler_extender.pod import parse_pod
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.sources import Champion
from scheduler_extender.view import ClusterView
from serving.bundle_directory import read_bundle
from serving.interference_row import KnownWorkload, interference_row
from serving.profile_book import ProfileBook
from tests.unit.scheduler_extender import xgboost_bundle
from tests.unit.scheduler_extender.small_cluster import KNOWN_PROFILES, NOW, Domain, node_state, pod_object

SETTINGS = ExtenderSettings()
levels = st.sampled_from([0.0, 0.25, 0.5, float("nan")]) | st.floats(0.0, 1.0, width=32)


@st.composite
def workloads(draw: st.DrawFn) -> KnownWorkload:
    """Pressures that are often alike, so that a highest one stands more than once."""
    return KnownWorkload(
        key="w",
        tier=Tier.PROBED,
        conservative=False,
        pressures=np.array([draw(levels) for _ in AXES], dtype=np.float32),
        sensitivities=np.array([draw(levels) for _ in AXES], dtype=np.float32),
    )


@st.composite
def vectors(draw: st.DrawFn) -> FloatArray:
    return np.array([draw(levels) for _ in range(len(FEATURE_SCHEMA_V1))], dtype=np.float32)


@settings(max_examples=60)
@given(vectors(), st.lists(workloads(), max_size=5), workloads(), st.floats(0.5, 2.0, width=32))
def test_rows_are_those_of_serving(
    before: FloatArray, residents: list[KnownWorkload], newcomer: KnownWorkload, worst: float
) -> None:
    worst_pressures = np.full(len(AXES), worst, dtype=np.float32)
    own, neighbours = domain_rows(before, residents, worst_pressures=worst_pressures)
    alone = interference_row(before=before, victim=newcomer, others=residents, worst_pressures=worst_pressures)
    np.testing.assert_array_equal(own[~np.isnan(own)], alone[~np.isnan(own)])
    join(neighbours, filled(newcomer.pressures, worst_pressures))
    for index, resident in enumerate(residents):
        others = [*residents[:index], *residents[index + 1 :], newcomer]
        expected = interference_row(before=before, victim=resident, others=others, worst_pressures=worst_pressures)
        np.testing.assert_array_equal(neighbours[index], expected)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory, graphs: dict[str, bytes]) -> Champion:
    made: Path = tmp_path_factory.mktemp("bundle") / "made"
    xgboost_bundle.write(made, graphs, version="1")
    return champion_of(read_bundle(made))


def forecasts(champion: Champion, view: ClusterView) -> Forecasts:
    return Forecasts(champion=champion, book=ProfileBook(KNOWN_PROFILES), view=view, settings=SETTINGS)


@settings(max_examples=40, deadline=None)
@given(
    pressure=st.floats(0.0, 1.0, width=32),
    residents=st.lists(st.sampled_from(["upf-large", "transcode", "quiet-one", "nobody-knows"]), max_size=8),
    newcomer=st.sampled_from(["upf-large", "transcode", "nobody-knows"]),
    more=st.sampled_from(["upf-large", "quiet-one", "nobody-knows"]),
)
def test_one_more_resident_never_makes_a_node_look_better(
    champion: Champion, pressure: float, residents: list[str], newcomer: str, more: str
) -> None:
    view = ClusterView(SETTINGS.leeward_policy)
    view.set_state("n", node_state("n", Domain(pressure=pressure), Domain(pressure=0.3)))
    for index, key in enumerate(residents):
        view.set_pod(f"u{index}", parse_pod(json.dumps(pod_object(f"u{index}", node="n", profile=key))))
    predicted = forecasts(champion, view)
    kept = predicted.kept(predicted.book.of(newcomer), 4)
    nodes = np.array([0])
    predicted.bring_up_to_date(kept, nodes)
    before = kept.rows[0].copy()
    view.set_pod("more", parse_pod(json.dumps(pod_object("more", node="n", profile=more))))
    predicted.bring_up_to_date(kept, nodes)
    after = kept.rows[0]
    for figure in ("newcomer", "residents", "median", "pressed"):
        assert after[figure] >= before[figure], figure


def test_only_what_changed_is_computed_again(champion: Champion) -> None:
    view = ClusterView(SETTINGS.leeward_policy)
    count = 3 * CHUNK + 5
    for index in range(count):
        view.set_state(f"n{index}", node_state(f"n{index}", Domain(pressure=index / count)))
    predicted = forecasts(champion, view)
    kept = predicted.kept(predicted.book.of("upf-large"), 4)
    everything = np.arange(count)
    assert predicted.bring_in_reach(kept, everything, until=0.0) == count
    assert not kept.rows["revision"].any()
    assert predicted.bring_in_reach(kept, everything, until=np.inf) == 0
    assert (kept.rows["revision"][:count] == view.rows["revision"]).all()
    former = kept.rows.copy()
    kept.rows["newcomer"] = -1.0
    view.set_state("n7", node_state("n7", Domain(pressure=0.95)))
    predicted.bring_in_reach(kept, everything, until=np.inf)
    assert kept.rows["newcomer"][7] == -1.0, "a request does not wait for a newer window"
    predicted.bring_up_to_date(kept, everything)
    assert kept.rows["newcomer"][7] > former["newcomer"][7]
    assert (np.delete(kept.rows["newcomer"], 7) == -1.0).all()


def test_a_request_waits_for_nodes_where_somebody_came_or_went(champion: Champion) -> None:
    view = ClusterView(SETTINGS.leeward_policy)
    for name in ("n0", "n1", "n2"):
        view.set_state(name, node_state(name, Domain(pressure=0.3)))
    predicted = forecasts(champion, view)
    kept, everything = predicted.kept(predicted.book.of("upf-large"), 4), np.arange(3)
    predicted.bring_in_reach(kept, everything, until=np.inf)
    kept.rows["newcomer"] = -1.0
    view.set_pod("u", parse_pod(json.dumps(pod_object("u", node="n1", profile="transcode"))))
    view.set_state("n1", node_state("n1", Domain(pressure=0.3)))
    predicted.bring_in_reach(kept, everything, until=np.inf)
    assert (kept.rows["newcomer"][:3] == -1.0).tolist() == [True, False, True]
    kept.rows["newcomer"] = -1.0
    view.set_pod("u", parse_pod(json.dumps(pod_object("u", node="n1", profile="transcode", started=NOW))))
    predicted.bring_in_reach(kept, everything, until=np.inf)
    assert (kept.rows["newcomer"][:3] == -1.0).all(), "it was there before it was started"
    view.set_pod("u", None)
    predicted.bring_in_reach(kept, everything, until=np.inf)
    assert (kept.rows["newcomer"][:3] == -1.0).tolist() == [True, False, True]


def test_settling_computes_all_that_is_kept_a_chunk_at_a_time(champion: Champion) -> None:
    view = ClusterView(SETTINGS.leeward_policy)
    for index in range(2 * SETTLED_AT_ONCE):
        view.set_state(f"n{index}", node_state(f"n{index}", Domain()))
    predicted = forecasts(champion, view)
    kept = [predicted.kept(predicted.book.of(key), 4) for key in ("upf-large", "transcode")]
    steps = 0
    while predicted.settle():
        steps += 1
    assert steps == 2 + 2 * len(kept), "nodes are prepared once for all workloads"
    for one in kept:
        assert (one.rows["revision"][: len(view)] == view.rows["revision"]).all()


def test_the_longest_unused_workload_is_forgotten(champion: Champion) -> None:
    view = ClusterView(SETTINGS.leeward_policy)
    view.set_state("n", node_state("n", Domain()))
    predicted = Forecasts(
        champion=champion,
        book=ProfileBook(KNOWN_PROFILES),
        view=view,
        settings=ExtenderSettings(kept_workloads=2),
    )
    first, second = (predicted.kept(predicted.book.of(key), 1) for key in ("upf-large", "transcode"))
    assert predicted.kept(predicted.book.of("upf-large"), 1) is first
    predicted.kept(predicted.book.of("quiet-one"), 1)
    assert predicted.kept(predicted.book.of("upf-large"), 1) is first
    assert predicted.kept(predicted.book.of("transcode"), 1) is not second


def test_unknown_workloads_share_what_is_kept(champion: Champion) -> None:
    predicted = forecasts(champion, ClusterView(SETTINGS.leeward_policy))
    book = predicted.book
    assert predicted.kept(book.of("nobody"), 2) is predicted.kept(book.of("nobody-else"), 2)
