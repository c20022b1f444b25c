"""A recording replayed whole, and what is shown of it."""

import io
from collections import Counter
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contracts.trace import LabelledTrace
from eval.errors import EvaluationError
from eval.figure import Figure
from eval.replay.choices import ReplayPolicy
from eval.replay.models import replayed_models
from eval.replay.page import replay_page
from eval.replay.placements import Period
from eval.replay.reading import Recording
from eval.replay.recording import Kind
from eval.replay.replay import Replay, replay
from eval.replay.report import Eased, Outcomes, PolicyFigures, ReplayReport
from eval.replay.table import render_replay
from eval.replay.trouble import Trouble
from eval.watch.evidence_in_memory import EvidenceInMemory
from pipelines.registry import local_registry
from scheduler_extender.decisions import Decision
from serving.errors import BundleError
from tests.unit.eval.replay.site import (
    PROFILES,
    REQUIRING,
    TOLERANT,
    Told,
    at,
    bundle_in,
    champion_in,
    decision_of,
    gone,
    pod,
    record,
    state,
    two_nodes,
    write_decisions,
)
from tests.unit.eval.watch.site import window

ROUTER = PROFILES[1]
ON_BOTH = (pod(5, "a", node="noisy", annotations=TOLERANT), pod(6, "b", node="calm", annotations=TOLERANT))


class Site:
    """A state directory with a champion, a wider bundle beside it, and a recording."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = champion_in(directory)
        self.recording = directory / "recording"
        self.wide = directory / "wide"
        self.champion = bundle_in(directory / "as-champion").digest
        bundle_in(self.wide, version="2", margin=0.6)

    def replayed(self, *told: Told, **changes: Any) -> ReplayReport:
        if told:
            record(self.recording, *told)
        troubles: Counter[Trouble] = Counter()
        models = replayed_models(
            self.state, bundles=[self.wide], versions=["7"], registry=local_registry(self.state), troubles=troubles
        )
        asked = Replay(recording=Recording(self.recording), state=self.state, models=models, troubles=troubles)
        return replay(replace(asked, **changes))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def of(report: ReplayReport, policy: ReplayPolicy, model: str = "") -> PolicyFigures:
    return next(one for one in report.policies if (one.policy, one.model) == (policy, model))


def shown(report: ReplayReport, *, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(render_replay(report))
    return console.export_text()


def in_one_line(report: ReplayReport) -> str:
    return " ".join(shown(report).split())


def test_every_policy_and_model_has_its_row_and_the_champion_is_the_yardstick(site: Site) -> None:
    report = site.replayed(*two_nodes(), *ON_BOTH)
    assert [(one.policy, one.model) for one in report.policies] == [
        (ReplayPolicy.RECORDED, ""),
        (ReplayPolicy.DEFAULT, ""),
        (ReplayPolicy.MOST_ALLOCATED, ""),
        (ReplayPolicy.RANDOM, ""),
        (ReplayPolicy.THRESHOLD, ""),
        (ReplayPolicy.REGIME_ONLY, ""),
        (ReplayPolicy.LEEWARD, "champion 1"),
        (ReplayPolicy.LEEWARD, "bundle wide"),
    ]
    assert report.yardstick == "champion 1"
    assert report.placements == 2
    leeward = of(report, ReplayPolicy.LEEWARD, "champion 1")
    assert (leeward.elsewhere, leeward.nodes_used, leeward.no_node) == (1.0, 1.0, 0)
    assert leeward.by_yardstick is not None
    assert leeward.by_yardstick == leeward.by_own
    assert leeward.by_yardstick.recorded > 1.0 > leeward.by_yardstick.chosen
    wide = of(report, ReplayPolicy.LEEWARD, "bundle wide")
    assert wide.by_own is not None
    assert wide.by_yardstick == leeward.by_yardstick
    assert wide.by_own.recorded > leeward.by_yardstick.recorded
    assert of(report, ReplayPolicy.RANDOM).elsewhere == 1.0
    assert of(report, ReplayPolicy.RECORDED).elsewhere == 0.0
    assert report.regimes[0].windows == 2
    assert len(report.pairs) == 1
    assert report.troubles == {Trouble.VANISHED: 1}


def test_only_the_policies_and_the_period_that_are_asked_about_are_judged(site: Site) -> None:
    report = site.replayed(
        *two_nodes(), *ON_BOTH, policies=(ReplayPolicy.DEFAULT,), period=Period(since=at(6), until=at(60))
    )
    assert [one.policy for one in report.policies] == [ReplayPolicy.DEFAULT]
    assert (report.placements, report.recording.since, report.recording.to) == (1, at(6), at(60))


def test_where_the_filter_would_have_ruled_a_node_out_is_counted(site: Site) -> None:
    report = site.replayed(*two_nodes(), pod(5, "a", node="noisy", annotations=REQUIRING))
    tight, wide = (of(report, ReplayPolicy.LEEWARD, model) for model in ("champion 1", "bundle wide"))
    assert (tight.ruled_out, tight.no_node, tight.elsewhere) == (1, 0, 1.0)
    assert (wide.ruled_out, wide.no_node, wide.elsewhere) == (1, 1, 0.0)


def suffered(seconds: float, together: float, node: str) -> LabelledTrace:
    return window(at(seconds), together, known=ROUTER, node=node)


def test_what_workloads_went_through_is_told_of_the_changed_and_of_the_kept(site: Site) -> None:
    """``a`` lost threefold on the noisy node, ``b`` nothing on the calm one; nobody measured ``c``."""
    evidence = EvidenceInMemory()
    evidence.add([suffered(20, 300.0, "noisy"), suffered(20, 101.0, "calm"), suffered(40, 101.0, "calm")])
    told = (*two_nodes(), *ON_BOTH, pod(7, "c", node="calm", profile="amf", annotations=TOLERANT), state(60, "calm"))
    report = site.replayed(*told, evidence=evidence)
    leeward = of(report, ReplayPolicy.LEEWARD, "champion 1")
    assert leeward.changed is not None
    assert leeward.kept is not None
    assert leeward.changed.exceeded is not None
    assert (leeward.changed.exceeded.value, leeward.changed.exceeded.units, leeward.changed.without) == (1.0, 1, 0)
    assert leeward.kept.exceeded is not None
    assert (leeward.kept.exceeded.value, leeward.kept.exceeded.units, leeward.kept.without) == (0.0, 1, 1)
    text = in_one_line(report)
    assert "leeward 1 of 1 0 0 of 1 1 champion 1" in text
    assert "What became of the pods" in replay_page(report)
    assert "0 to 95</small><small>of 1, 1 not measured</small>" in replay_page(report)


def test_decisions_that_are_reproduced_and_those_that_are_not_are_told_apart(site: Site) -> None:
    first = site.replayed(*two_nodes(), *ON_BOTH)
    moved = of(first, ReplayPolicy.LEEWARD, "champion 1").by_yardstick
    assert moved is not None
    assert "Not checked: no decision of an extender lies beside the recording" in in_one_line(first)

    def decisions(**changes: Any) -> Decision:
        return decision_of("a", 4.5, champion=site.champion, tolerance=2.5, ratio=moved.recorded, score=0, **changes)

    write_decisions(site.recording, decisions())
    report = site.replayed()
    assert (report.reproduction.decisions, report.reproduction.reproduced) == (1, 1)
    assert report.troubles == {Trouble.NO_DECISION: 1, Trouble.VANISHED: 1}
    assert "1 of 1 recorded decisions are reproduced (100.0 %), score and bound" in in_one_line(report)
    write_decisions(site.recording, decisions(nodes=9).model_copy(update={"score": 7}), decision_of("b", 5.5))
    report = site.replayed()
    assert (report.reproduction.decisions, report.reproduction.reproduced) == (2, 0)
    text = in_one_line(report)
    assert "0 of 2 recorded decisions are reproduced (0.0 %). What follows from the others is of another world" in text
    assert "1 judged by a model that is not replayed" in text
    assert "1 scored among other nodes" in text
    assert "For 1 decisions the scheduler asked about another number of nodes" in text


def test_a_recording_without_any_placement_is_told_of_all_the_same(site: Site) -> None:
    report = site.replayed(*two_nodes())
    assert report.placements == 0
    assert all(one.elsewhere == 0.0 and one.by_yardstick is None for one in report.policies)
    assert "0 placements judged; 1 pods were there before" in in_one_line(report)
    assert "What each policy would have done" not in replay_page(report)


def test_whatever_is_wrong_is_counted_by_name_and_the_replay_goes_on(site: Site) -> None:
    told = (
        *two_nodes(),
        (2.0, Kind.NODE_STATE, "calm", b'{"metadata": {"name": "calm"}, "status": 1}'),
        gone(1.5, Kind.POD, "ghost"),
        pod(3, "lost", node="nowhere"),
        *ON_BOTH,
        ON_BOTH[1],
    )
    record(site.recording, *told)
    with (site.recording / "events-000002.jsonl").open("wb") as torn:
        torn.write(b'{"form": "leeward-rec')
    report = site.replayed()
    assert report.placements == 2
    assert set(report.troubles) == {
        Trouble.TORN,
        Trouble.STEPPED_BACK,
        Trouble.TWICE,
        Trouble.GONE_UNSEEN,
        Trouble.REFUSED_STATE,
        Trouble.UNKNOWN_NODE,
        Trouble.VANISHED,
    }
    text, page = in_one_line(report), replay_page(report)
    for name in report.troubles:
        assert name in text
        assert escape(name) in page


def test_the_loop_is_said_to_be_open_and_a_simulated_recording_to_be_one(site: Site) -> None:
    record(site.recording, *two_nodes(), *ON_BOTH, simulated=True)
    report = site.replayed()
    for text in (in_one_line(report), replay_page(report)):
        assert "SIMULATED" in text
        assert "Open loop: every placement is judged in the world as it was recorded." in text
        assert "nobody measured the world that did not happen" in text
    assert report.simulated
    assert ReplayReport.from_json(report.to_json()) == report


def test_the_table_fits_a_hundred_columns_at_the_size_of_a_real_week(site: Site) -> None:
    evidence = EvidenceInMemory()
    evidence.add([suffered(20, 300.0, "noisy")])
    small = site.replayed(*two_nodes(), *ON_BOTH, state(60, "calm"), evidence=evidence)
    figure = Figure(value=0.21, lower=0.2, upper=0.22, units=9999)
    eased = Eased(placements=99_999.0, recorded=12.34, chosen=10.12, recorded_over=1.0, chosen_over=1.0)
    large = {
        "elsewhere": 99_999.0,
        "nodes_used": 4999.5,
        "no_node": 1234,
        "ruled_out": 12_345,
        "by_yardstick": eased,
        "by_own": eased,
        "overall": eased,
        "changed": Outcomes(exceeded=figure, without=9),
        "kept": Outcomes(exceeded=figure, without=9),
    }
    report = small.model_copy(
        update={"placements": 99_999, "policies": tuple(one.model_copy(update=large) for one in small.policies)}
    )
    lines = shown(report).splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("\N{HORIZONTAL ELLIPSIS}" in line for line in lines)
    for policy in ReplayPolicy:
        assert any(line.strip().startswith(policy) for line in lines), policy


def test_the_page_fetches_nothing_and_escapes_what_it_is_told(site: Site) -> None:
    report = site.replayed(*two_nodes(), *ON_BOTH)
    page = replay_page(report.model_copy(update={"troubles": {"<script>": 1}}))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page


def test_without_a_champion_there_is_no_yardstick(site: Site, tmp_path: Path) -> None:
    troubles: Counter[Trouble] = Counter()
    empty = tmp_path / "empty"
    with pytest.raises(EvaluationError, match="has no champion: train first"):
        replayed_models(empty, bundles=(), versions=(), registry=local_registry(empty), troubles=troubles)
    with pytest.raises(BundleError, match=r"nothing/SHA256SUMS can't be read"):
        replayed_models(
            site.state,
            bundles=[tmp_path / "nothing"],
            versions=(),
            registry=local_registry(site.state),
            troubles=troubles,
        )


def test_a_bundle_that_is_named_twice_is_replayed_once_and_names_differ(site: Site) -> None:
    other = site.directory / "elsewhere" / "wide"
    bundle_in(other, version="3", margin=0.3)
    models = replayed_models(
        site.state,
        bundles=[site.wide, site.wide, other, site.directory / "trained"],
        versions=(),
        registry=local_registry(site.state),
        troubles=Counter(),
    )
    assert [model.name for model in models] == ["champion 1", "bundle wide", "bundle wide (2)"]
