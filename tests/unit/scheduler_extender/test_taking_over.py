"""What changes while it serves, and what goes wrong: champions, profiles, budgets, inner failures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.service import Extender
from scheduler_extender.settings import ExtenderSettings
from serving.bound_model import BoundModel
from tests.unit.scheduler_extender.conftest import UNHURRIED, Build, Promote
from tests.unit.scheduler_extender.small_cluster import (
    MEDIUM,
    NODES,
    PRESSED,
    QUIET,
    Domain,
    args,
    captured,
    newcomer,
    node_state,
    place,
    pod_object,
    publish,
    put,
    said,
    scores_in,
    workload,
)


def test_a_newer_profile_counts_from_the_next_refresh(three_nodes: Path, build: Build) -> None:
    extender = build()
    assert not extender.explanation(newcomer(profile="latecomer"), ["spr-0001"]).known
    cautious = extender.explanation(newcomer(profile="latecomer"), ["spr-0001"]).nodes[0].parties[0].bound
    put(three_nodes / "profiles" / "p.json", workload("latecomer", pressure=0.01, sensitivity=1.0).to_json())
    extender.refresh()
    found = extender.explanation(newcomer(profile="latecomer"), ["spr-0001"])
    assert found.known
    assert found.nodes[0].parties[0].bound < cautious


def test_the_next_champion_takes_over(three_nodes: Path, build: Build, promote: Promote) -> None:
    extender = build()
    first = extender.explanation(newcomer(), ["spr-0003"])
    digest = promote("3")
    extender.refresh()
    second = extender.explanation(newcomer(), ["spr-0003"])
    assert (second.champion, extender.health().champion_version) == (digest, "3")
    assert second.nodes[0].parties[0].bound == pytest.approx(first.nodes[0].parties[0].bound * np.exp(0.2), rel=1e-6)


def test_a_bad_champion_is_refused_and_the_last_good_one_serves_on(
    three_nodes: Path, build: Build, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    extender = build()
    good, before = extender.health().champion, extender.scores(newcomer(), NODES[1:4])
    bad = promote("2")
    put(three_nodes / "bundles" / bad.removeprefix("sha256:") / "slowdown-q50.onnx", b"torn")
    extender.refresh()
    health = extender.health()
    assert health.champion == good
    assert "slowdown-q50.onnx has SHA-256" in health.champion_refused
    assert extender.scores(newcomer(), NODES[1:4]) == before
    assert said(caplog, "champion-refused", "serving") == [good]
    promote("4")
    extender.refresh()
    assert extender.health().champion_refused == ""


def test_a_bad_first_champion_leaves_neutral_scores(
    three_nodes: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    (three_nodes / "champion.json").write_text('{"model": ')
    extender = build()
    assert set(extender.scores(newcomer(), NODES).values()) == {NEUTRAL_LOW}
    assert said(caplog, "champion-refused", "serving") == ["nobody: all nodes score alike"]
    assert extender.health().mode == "neutral"
    assert extender.metrics.value("champions_refused_total") == 1


def test_what_there_is_no_time_for_is_neutral_now_and_computed_later(three_nodes: Path, build: Build) -> None:
    hurried = build(ExtenderSettings(budget_seconds=0.0))
    body = args(pod_object("u"), *NODES[1:4])
    assert set(scores_in(hurried.prioritize(body)).values()) == {NEUTRAL_LOW}
    assert hurried.metrics.value("late_nodes_total") == 3
    while hurried.settle():
        pass
    assert scores_in(hurried.prioritize(body)) == scores_in(build().prioritize(body))
    assert hurried.metrics.value("late_nodes_total") == 3


def test_any_inner_failure_is_answered_neutrally_counted_and_logged(
    three_nodes: Path, build: Build, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenModel(BoundModel):
        def predict_known(self, *_: object) -> Any:
            raise RuntimeError("a graph went wrong")

    extender = build()
    champion = extender._knowledge.champion
    assert champion is not None
    monkeypatch.setattr(champion.model, "__class__", BrokenModel)
    strict = pod_object("u", annotations={"leeward.dev/enforcement": "required"})
    assert set(scores_in(extender.prioritize(args(strict, *NODES[1:4]))).values()) == {NEUTRAL_LOW}
    assert json.loads(extender.filter(args(strict, *NODES[1:4])).content)["NodeNames"] == list(NODES[1:4])
    assert extender.explain(args(strict, *NODES[1:4])).status == 500
    assert not extender.settle()
    assert [extender.metrics.value("failures_total", verb=verb) for verb in ("filter", "prioritize", "settle")] == [
        1,
        1,
        1,
    ]
    assert "prioritize: RuntimeError('a graph went wrong')" in said(caplog, "answered-neutrally")
    assert "in predict_known" in caplog.text


def settle(extender: Extender) -> None:
    while extender.settle():
        pass


def test_kept_scores_are_those_computed_afresh(three_nodes: Path, build: Build, promote: Promote) -> None:
    """After any sequence of changes, an extender that kept scores answers as one that has just begun."""
    steady = build()
    body = captured("prioritize-firewall-names-16")
    steady.prioritize(body)
    changes = (
        lambda: publish(three_nodes, node_state("spr-0005", MEDIUM, PRESSED)),
        lambda: place(three_nodes, pod_object("u", node="spr-0005"), pod_object("v", node="spr-0001")),
        lambda: publish(three_nodes, node_state("spr-0001", QUIET, Domain(pods=("v",)))),
        lambda: place(three_nodes, pod_object("u", node="spr-0003")),
        lambda: promote("2"),
        (three_nodes / "pods" / "v.json").unlink,
    )
    for change in changes:
        change()
        steady.refresh()
        settle(steady)
        assert steady.prioritize(body).content == build(UNHURRIED).prioritize(body).content
