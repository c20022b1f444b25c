from pathlib import Path

import pytest
from rich.console import Console

from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.node import BARE_METAL
from agent.doctor.offer import axis_offers, offered_features
from agent.doctor.render import render
from agent.doctor.report import Report
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from tests.unit.agent.doctor.ill import VIRTUAL, Ill
from tests.unit.agent.doctor.patient import Patient, examined
from tests.unit.agent.doctor.test_checks import ILL

VIRTUAL_PATIENT = Patient(machine=VIRTUAL, flags="fpu hypervisor", resctrl=False, offers_resctrl=False)


def shown(report: Report, *, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(render(report))
    return captured.get()


def words(text: str) -> str:
    return " ".join(text.split())


def report_of(*checks: Check) -> Report:
    return Report(
        node="n", agent_version="1", domains=("socket0",), available=(), missing=(), axes=(), checks=tuple(checks)
    )


def a_check(topic: Topic, verdict: Verdict, *, advice: str = "", features: tuple[str, ...] = ()) -> Check:
    return Check(topic=topic, verdict=verdict, found="so", advice=(advice,) if advice else (), features=features)


def test_the_change_that_brings_most_comes_first_and_of_equals_the_worse() -> None:
    report = report_of(
        a_check(Topic.CPU, Verdict.OK),
        a_check(Topic.KERNEL, Verdict.LIMITED, advice="a"),
        a_check(Topic.CORE, Verdict.MISSING, advice="b"),
        a_check(Topic.RESCTRL, Verdict.LIMITED, advice="c", features=("dtlb_walks",)),
    )
    assert [change.advice for change in report.changes] == [("c",), ("b",), ("a",)]


def test_topics_of_one_advice_are_one_change_and_their_features_count_once() -> None:
    report = report_of(
        a_check(Topic.CHA, Verdict.LIMITED, advice="a", features=("dtlb_walks", "l3_miss_ratio")),
        a_check(Topic.IMC, Verdict.MISSING, advice="a", features=("l3_miss_ratio", "row_churn")),
    )
    (change,) = report.changes
    assert change.features == ("l3_miss_ratio", "row_churn", "dtlb_walks")
    assert change.verdict is Verdict.MISSING


@pytest.mark.parametrize(
    ("verdict", "missing", "is_complete"),
    [
        (Verdict.OK, (), True),
        (Verdict.LIMITED, (), True),
        (Verdict.UNKNOWN, (), True),
        (Verdict.MISSING, (), False),
        (Verdict.LIMITED, ("dtlb_walks",), False),
    ],
)
def test_complete_is_what_lacks_no_feature_and_nothing_else(
    verdict: Verdict, missing: tuple[str, ...], is_complete: bool
) -> None:
    report = Report(
        node="n",
        agent_version="1",
        domains=("socket0",),
        available=(),
        missing=missing,
        axes=(),
        checks=(a_check(Topic.CLOCK, verdict, advice="a"),),
    )
    assert report.is_complete == is_complete


def test_an_axis_has_all_its_features_or_fewer() -> None:
    whole = axis_offers(FEATURE_SCHEMA_V1.names)
    assert all(offer.available == offer.features > 0 for offer in whole)
    assert [offer.axis for offer in whole] == list(Axis)
    assert [offer.available for offer in axis_offers(("hit_modified_share",)) if offer.available] == [1, 1]


def test_a_fallback_is_enough() -> None:
    events = frozenset({"RESCTRL.MBM_TOTAL_BYTES", "RESCTRL.MBM_LOCAL_BYTES"})
    assert offered_features(events) == ("remote_dram_share",)


def test_a_virtual_machine_is_told_once_what_bare_metal_would_bring(tmp_path: Path) -> None:
    report = examined(tmp_path, VIRTUAL_PATIENT).report
    first = report.changes[0]
    assert first.advice == (BARE_METAL,)
    topics = {check.topic for check in first.checks}
    assert topics == {Topic.VIRTUAL_MACHINE, Topic.CHA, Topic.IMC, Topic.UPI, Topic.IIO, Topic.RESCTRL}
    text = shown(report)
    assert words(text).count(BARE_METAL) == 2
    assert f"The most telling change: {BARE_METAL}." in words(text)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("ill", ILL[::5], ids=lambda ill: ill.name.replace(" ", "-"))
def test_nothing_is_cut_off(tmp_path: Path, width: int, ill: Ill) -> None:
    report = examined(tmp_path, ill.patient).report
    text = shown(report, width=width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for check in report.checks:
        assert check.topic.words in text
        for said in (check.found, *check.advice):
            assert "".join(said.split()) in "".join(text.split())


def test_the_summary_says_how_many_features_there_are_in_every_domain(tmp_path: Path) -> None:
    text = words(shown(examined(tmp_path, Patient(resctrl=False)).report))
    assert "31 features: 30 available in all 2 domains, 1 missing." in text
    assert "The most telling change: mount resctrl on the node: mount -t resctrl resctrl /sys/fs/resctrl." in text


def test_a_whole_node_has_nothing_to_change(tmp_path: Path) -> None:
    text = shown(examined(tmp_path).report)
    assert "31 features: 31 available in all 2 domains, 0 missing." in text
    assert "What to change" not in text
