"""Every topic both ways: as it is on a whole node, and with something amiss."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.doctor.check import Topic, Verdict
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.doctor.counter_complaints import COUNTERS
from tests.unit.agent.doctor.ill import SOME, Ill
from tests.unit.agent.doctor.machine_complaints import MACHINE
from tests.unit.agent.doctor.patient import SYS_ADMIN, WHOLE, Patient, examined
from tests.unit.agent.doctor.surrounding_complaints import SURROUNDINGS

ILL = (*MACHINE, *COUNTERS, *SURROUNDINGS)
ASKED_FOR = {Topic.INGEST, Topic.MODEL_SERVER}


@pytest.mark.parametrize("ill", ILL, ids=lambda ill: ill.name.replace(" ", "-"))
def test_what_is_amiss_is_found_and_advised_on(tmp_path: Path, ill: Ill) -> None:
    seen = examined(tmp_path, ill.patient)
    check = seen.check(ill.topic)
    assert check.verdict is ill.verdict
    assert ill.found in check.found
    assert ill.advice in "\n".join(check.advice)
    assert len(check.features) == ill.features or (ill.features == SOME and check.features)
    assert set(check.features) <= set(seen.report.missing)
    assert seen.fake.open_counters == {}


def test_a_whole_node_is_well_in_every_topic(tmp_path: Path) -> None:
    seen = examined(tmp_path)
    assert [(check.topic, check.found) for check in seen.report.checks if check.verdict is not Verdict.OK] == []
    assert [check.topic for check in seen.report.checks] == [topic for topic in Topic if topic not in ASKED_FOR]
    assert seen.report.available == FEATURE_SCHEMA_V1.names
    assert seen.report.is_complete
    assert seen.report.changes == ()
    assert seen.fake.open_counters == {}


def test_every_topic_has_a_patient_but_those_that_are_asked_for() -> None:
    assert {ill.topic for ill in ILL} == set(Topic) - ASKED_FOR


@pytest.mark.parametrize(
    ("patient", "topic", "found"),
    [
        (Patient(machine=replace(WHOLE, model_name="Intel(R) Xeon(R) CPU Max 9480")), Topic.CPU, "with HBM"),
        (Patient(capabilities=0, paranoid=0), Topic.PERMISSION, "no capability needed"),
        (Patient(capabilities=SYS_ADMIN), Topic.PERMISSION, "CAP_SYS_ADMIN"),
        (
            Patient(machine=replace(WHOLE, isolated="1,3"), isolated_cpus=IsolatedCpuPolicy.SAMPLED),
            Topic.ISOLATED_CPUS,
            "one group",
        ),
        (
            Patient(machine=replace(WHOLE, boxes={"cha": 2, "imc": 2, "upi": 3, "iio": 2})),
            Topic.UPI,
            "medium core count",
        ),
        (Patient(kubelet=False), Topic.PODS, "no kubelet's pods"),
        (Patient(proc={"self/mounts": None}), Topic.RESCTRL, "mounted, 448"),
        (Patient(proc={"sys/kernel/nmi_watchdog": None}), Topic.WATCHDOG, "not told"),
        (Patient(machine=replace(WHOLE, threads=1)), Topic.ONLINE_CPUS, "one thread a core"),
        (Patient(seccomp=0, sys={"fs/selinux/enforce": "1"}), Topic.SYSTEM_CALLS, "SELinux enforcing"),
    ],
    ids=lambda value: value.value if isinstance(value, Topic) else "",
)
def test_what_is_well_is_told_as_it_is(tmp_path: Path, patient: Patient, topic: Topic, found: str) -> None:
    check = examined(tmp_path, patient).check(topic)
    assert check.verdict is Verdict.OK
    assert found in check.found


def test_a_read_only_mount_of_resctrl_is_well_and_told(tmp_path: Path) -> None:
    mounts = f"resctrl {tmp_path}/sys/fs/resctrl resctrl ro,relatime 0 0"
    check = examined(tmp_path, Patient(proc={"self/mounts": mounts})).check(Topic.RESCTRL)
    assert check.verdict is Verdict.OK
    assert check.found.startswith("mounted read-only, 448")


def test_groups_of_isolated_cpus_have_their_turns(tmp_path: Path) -> None:
    patient = Patient(machine=replace(WHOLE, isolated="0-7"), isolated_cpus=IsolatedCpuPolicy.FULL)
    assert examined(tmp_path, patient).report.missing == ()
