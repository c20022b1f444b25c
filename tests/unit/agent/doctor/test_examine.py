import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.doctor.check import Topic, Verdict
from agent.doctor.examine import examine
from agent.doctor.offer import in_the_way_of
from agent.doctor.report import Report
from agent.errors import AgentError, TopologyError
from agent.settings import AgentSettings, Roots
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of
from tests.unit.agent.doctor.patient import Patient, admit, examined, sources_on
from tests.unit.agent.fabricated_node import rate
from tests.unit.agent.fake_kernel import FakeKernel
from tests.unit.agent.machine_tree import Machine

SMALL = Patient(machine=Machine(sockets=1, cores=1, threads=1, boxes={"cha": 1, "imc": 1, "upi": 1, "iio": 1}))

NONSENSE = (b"", b"nonsense", b"0", b"\xff\xfe")


def examined_in_place(roots: Roots, state: Path) -> Report:
    fake = FakeKernel(rate=rate)
    report = examine(
        AgentSettings(node="node-1", roots=roots, state_directory=state),
        environment={},
        sources=sources_on(fake),
        kernel=fake.kernel,
        work=lambda seconds: fake.advance(int(seconds * 1e9)),
        clock_state=lambda: 0,
    )
    assert fake.open_counters == {}
    return report


def assert_sound(report: Report) -> None:
    names = (*report.available, *report.missing)
    assert sorted(names) == sorted(FEATURE_SCHEMA_V1.names)
    blamed = {name for check in report.checks for name in check.features}
    assert blamed == set(report.missing)
    for check in report.checks:
        assert check.found
        assert "\n" not in check.found
        assert (check.verdict is Verdict.OK) <= (not check.features)
        assert bool(check.advice) == (check.verdict is not Verdict.OK)
        assert all(step.strip() for step in check.advice)
    changed = [check.topic for change in report.changes for check in change.checks]
    assert sorted(changed) == sorted(check.topic for check in report.checks if check.verdict is not Verdict.OK)
    lost = [len(change.features) for change in report.changes]
    assert lost == sorted(lost, reverse=True)
    assert Report.from_json(report.to_json()) == report


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_is_missing_or_nonsense_the_doctor_answers_or_says_that_it_cannot_look(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        roots = admit(root, SMALL)
        paths = sorted(path.relative_to(root) for path in root.rglob("*"))
        gone = data.draw(st.lists(st.sampled_from(paths), max_size=6, unique=True), label="gone")
        odd = data.draw(st.lists(st.sampled_from(paths), max_size=4, unique=True), label="nonsense")
        text = data.draw(st.sampled_from(NONSENSE), label="text")
        for path in odd:
            if (root / path).is_file():
                (root / path).write_bytes(text)
        for path in gone:
            if (root / path).is_dir():
                shutil.rmtree(root / path)
            else:
                (root / path).unlink(missing_ok=True)
        with suppress(AgentError):
            assert_sound(examined_in_place(roots, root / "state"))


def test_roots_without_a_machine_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="sys"):
        examined_in_place(Roots.under(tmp_path), tmp_path)


def test_a_whole_report_is_sound(tmp_path: Path) -> None:
    assert_sound(examined(tmp_path).report)


def test_this_machine_is_examined_for_real(tmp_path: Path) -> None:
    report = examine(AgentSettings(node="here", state_directory=tmp_path / "state"), environment={})
    assert_sound(report)
    assert not (tmp_path / "state").exists()


def test_a_torn_report_is_refused() -> None:
    with pytest.raises(AgentError, match="no report"):
        Report.from_json(b'{"node": "n1"}')


@given(events=st.sets(st.sampled_from(sorted(FEATURE_SCHEMA_V1.events))))
def test_what_is_lacking_stands_in_the_way_of_every_missing_feature(events: set[str]) -> None:
    counting = frozenset(events)
    lacking = FEATURE_SCHEMA_V1.events - counting
    lost = set(in_the_way_of(lacking, events=counting))
    for spec in FEATURE_SCHEMA_V1.features:
        is_lost = all(events_of(node) & lacking for node in spec.formulas)
        assert (spec.name in lost) == is_lost


def test_topics_stand_in_the_order_of_a_look(tmp_path: Path) -> None:
    order = list(Topic)
    topics = [check.topic for check in examined(tmp_path).report.checks]
    assert topics == sorted(topics, key=order.index)
