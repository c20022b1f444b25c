"""A workload's own windows move its bound, and its alone, from the next refresh on; what is stale or torn does not."""

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from contracts.profile import Tier
from scheduler_extender.explanation import PartyExplanation, summary
from scheduler_extender.service import Extender, utc_now
from serving.champion import read_champion
from serving.observed_workload import ObservedWorkload
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.asking import Client, serving
from tests.unit.scheduler_extender.conftest import UNHURRIED, Build, Promote
from tests.unit.scheduler_extender.small_cluster import (
    KNOWN_PROFILES,
    MEDIUM,
    NODES,
    NOW,
    PRESSED,
    QUIET,
    TOLERANT,
    Domain,
    args,
    newcomer,
    node_state,
    place,
    pod_object,
    publish,
    put,
    said,
)

CALM, SUFFERING = -0.3, 0.9
MARGIN = 0.1
"""Of champion 1, for workloads that were probed."""


def observe(
    state: Path, scores: Sequence[float | None], *, key: str = "upf-large", tier: Tier = Tier.PROBED, bundle: str = ""
) -> Path:
    """Write what a workload has shown, against the champion unless said."""
    champion = read_champion(state)
    assert champion is not None
    observed = ObservedWorkload(
        bundle=bundle or champion.digest,
        key=key,
        tier=tier,
        scores=tuple(scores),
        first_window=NOW - timedelta(hours=1),
        last_window=NOW,
    )
    file = state / "observed" / f"{observed.name}.json"
    put(file, observed.to_json())
    return file


def party(extender: Extender, node: str = "spr-0002", profile: str = "upf-large") -> PartyExplanation:
    return extender.explanation(newcomer(profile=profile), [node]).nodes[0].parties[0]


@pytest.mark.parametrize(
    ("scores", "margin"),
    [([CALM] * 60, CALM), ([SUFFERING] * 60, SUFFERING), ([CALM], MARGIN), ([None] * 60, np.inf)],
    ids=["calm", "suffering", "observed once", "starved"],
)
def test_own_windows_move_the_bound_from_the_next_refresh(
    three_nodes: Path, build: Build, scores: list[float | None], margin: float
) -> None:
    extender = build()
    before = party(extender)
    observe(three_nodes, scores)
    extender.refresh()
    after = party(extender)
    assert after.bound == pytest.approx(np.clip(before.bound * np.exp(margin - MARGIN), 1.0, 8.0), rel=1e-6)
    assert after.observations == len(scores)
    assert after.tier == ("probed" if margin == MARGIN else "observed")
    assert extender.health().workloads_observed == 1
    assert extender.metrics.value("champions_total") == 1


def test_a_resident_is_bounded_by_its_own_windows_too(three_nodes: Path, build: Build) -> None:
    publish(three_nodes, node_state("spr-0003", Domain(pods=("r",))))
    place(three_nodes, pod_object("r", node="spr-0003", profile="transcode"))
    extender = build()
    asked = newcomer(profile="quiet-one")
    before = {each.workload: each for each in extender.explanation(asked, ["spr-0003"]).nodes[0].parties}
    observe(three_nodes, [SUFFERING] * 60, key="transcode")
    extender.refresh()
    after = {each.workload: each for each in extender.explanation(asked, ["spr-0003"]).nodes[0].parties}
    assert after["transcode"].bound == pytest.approx(before["transcode"].bound * np.exp(SUFFERING - MARGIN), rel=1e-6)
    assert after["quiet-one"] == before["quiet-one"]


def test_only_what_stands_on_the_margin_is_computed_anew(three_nodes: Path, build: Build) -> None:
    publish(three_nodes, node_state("spr-0003", Domain(pods=("r",))))
    place(three_nodes, pod_object("r", node="spr-0003", profile="transcode"))
    extender = build()
    view, forecasts = extender._knowledge.view, extender._knowledge.forecasts
    assert forecasts is not None
    for profile in ("upf-large", "quiet-one"):
        extender.scores(newcomer(profile=profile), NODES[1:4])

    def behind(profile: str) -> list[str]:
        kept = forecasts.kept(forecasts.book.of(profile), newcomer().exclusive_cpus)
        outdated = set(forecasts._behind(kept, view.lookup(NODES[1:4])).tolist())
        return [node for node, row in zip(NODES[1:4], view.lookup(NODES[1:4]).tolist(), strict=True) if row in outdated]

    assert behind("upf-large") == behind("quiet-one") == []
    observe(three_nodes, [SUFFERING] * 60)
    extender.refresh()
    assert (behind("upf-large"), behind("quiet-one")) == (list(NODES[1:4]), [])
    while extender.settle():
        pass
    observe(three_nodes, [SUFFERING] * 60, key="transcode")
    extender.refresh()
    assert behind("upf-large") == behind("quiet-one") == ["spr-0003"]


def test_kept_scores_are_those_computed_afresh(three_nodes: Path, build: Build, promote: Promote) -> None:
    """After any sequence of observations, an extender that kept scores answers as one that has just begun."""
    place(three_nodes, pod_object("r", node="spr-0003", profile="transcode"))
    steady = build()
    body = args(pod_object("u", annotations=TOLERANT), *NODES[1:4])
    steady.prioritize(body)
    changes = (
        lambda: observe(three_nodes, [SUFFERING] * 60),
        lambda: observe(three_nodes, [0.3] * 60, key="transcode"),
        lambda: observe(three_nodes, [CALM] * 60),
        lambda: promote("2"),
        lambda: observe(three_nodes, [SUFFERING] * 9),
        lambda: shutil.rmtree(three_nodes / "observed"),
    )
    seen = set()
    for change in changes:
        change()
        steady.refresh()
        while steady.settle():
            pass
        afresh = build(UNHURRIED)
        assert steady.prioritize(body).content == afresh.prioritize(body).content
        told = steady.explanation(newcomer(), NODES[1:4])
        assert told == afresh.explanation(newcomer(), NODES[1:4])
        seen.add(told)
    assert len(seen) == len(changes) - 1, "without any it is as after the promotion, each other time something else"


def test_what_was_observed_against_another_bundle_does_not_count(
    three_nodes: Path, build: Build, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    extender = build()
    unmoved = party(extender)
    former = read_champion(three_nodes)
    assert former is not None
    observe(three_nodes, [SUFFERING] * 60)
    digest = promote("3")
    extender.refresh()
    assert party(extender).bound == pytest.approx(unmoved.bound * np.exp(0.2), rel=1e-6)
    assert (party(extender).tier, party(extender).observations) == ("probed", 0)
    assert (extender.health().workloads_observed, extender.health().observations_set_aside) == (0, 1)
    assert "leeward_extender_observations_set_aside 1" in extender.exposition()
    (complaint,) = said(caplog, "observations-set-aside")
    assert complaint == (
        f"windows of 1 workload(s) (upf-large) do not stand against {digest} and the profile in use: the population's "
        "margin bounds these until `leeward observe` is run again"
    )
    observe(three_nodes, [SUFFERING] * 60)
    extender.refresh()
    assert party(extender).tier == "observed"
    assert extender.health().observations_set_aside == 0


@pytest.mark.parametrize(
    ("key", "tier"), [("upf-large", Tier.COUNTERS), ("never seen", Tier.PROBED)], ids=["another tier", "unknown"]
)
def test_a_workload_that_is_known_otherwise_keeps_the_populations_margin(
    three_nodes: Path, build: Build, key: str, tier: Tier
) -> None:
    extender = build()
    before = party(extender, profile=key)
    observe(three_nodes, [SUFFERING] * 60, key=key, tier=tier)
    extender.refresh()
    assert party(extender, profile=key) == before
    assert extender.health().observations_set_aside == 1


def test_a_torn_file_is_refused_and_what_was_known_stays(
    three_nodes: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    extender = build()
    population = party(extender)
    file = observe(three_nodes, [SUFFERING] * 60)
    whole = file.read_bytes()
    put(file, whole[:-9])
    extender.refresh()
    assert party(extender) == population
    assert extender.metrics.value("files_refused_total") == 1
    put(file, whole)
    extender.refresh()
    moved = party(extender)
    put(file, whole.replace(b'"version":1', b'"version":2'))
    extender.refresh()
    assert party(extender) == moved
    assert extender.metrics.value("files_refused_total") == 2
    assert len(said(caplog, "file-refused")) == 2
    file.unlink()
    extender.refresh()
    assert party(extender) == population


def test_a_file_under_another_name_is_refused(three_nodes: Path, build: Build) -> None:
    """Else two files could speak of one workload."""
    file = observe(three_nodes, [SUFFERING] * 60)
    file.rename(file.with_name("other.json"))
    extender = build()
    assert extender.health().workloads_observed == 0
    assert extender.metrics.value("files_refused_total") == 1


def test_a_newer_profile_leaves_own_margins_as_they_were(three_nodes: Path, build: Build) -> None:
    observe(three_nodes, [SUFFERING] * 60)
    extender = build()
    moved = party(extender)
    put(three_nodes / "profiles" / "p.json", KNOWN_PROFILES[1].to_json())
    extender.refresh()
    assert party(extender) == moved


def test_an_explanation_says_whose_windows_bound_it(three_nodes: Path, build: Build) -> None:
    observe(three_nodes, [CALM] * 60)
    told = summary(build().explanation(newcomer(), ["spr-0002"])).splitlines()
    assert told[1].endswith("tolerates 2.5; bounded by 60 own observations")


def test_a_nodes_score_changes_over_http_without_another_champion(state: Path, promote: Promote) -> None:
    promote("1")
    states = [("spr-0001", PRESSED), ("spr-0002", MEDIUM), ("spr-0003", QUIET)]
    publish(state, *(node_state(name, domain, seen=utc_now()) for name, domain in states))
    body = args(pod_object("u", annotations=TOLERANT), *NODES[1:4])
    with serving(state) as port:
        client = Client(port)

        def scores() -> dict[str, int]:
            return {entry["Host"]: entry["Score"] for entry in client.post("/prioritize", body)}

        eventually(lambda: client.get("/healthz")["nodes"] == 3)
        champion, before = client.get("/healthz")["champion"], scores()
        observe(state, [SUFFERING] * 60)
        eventually(lambda: scores() != before)
        after = scores()
        assert all(after[node] <= before[node] for node in before)
        assert client.get("/healthz")["champion"] == champion
        (first, *_) = client.post("/explain", body)["nodes"]
        assert (first["parties"][0]["tier"], first["parties"][0]["observations"]) == ("observed", 60)
