"""Complaints: Privileges, core counters, uncore boxes, and what they read."""

import errno
import resource
from dataclasses import replace

from agent.doctor.check import Topic, Verdict
from contracts.nodestate import EventGroup
from tests.unit.agent.doctor.ill import SOME, VIRTUAL, Ill, refusing
from tests.unit.agent.doctor.patient import IN_POD, SOME_UIDS, WHOLE, Patient
from tests.unit.agent.fabricated_node import rate
from tests.unit.agent.fake_kernel import METRICS, RAW
from tests.unit.agent.machine_tree import FIRST_BOX_TYPE

LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
FIRST_IMC = FIRST_BOX_TYPE + 2

COUNTERS = (
    Ill(
        name="no permission",
        topic=Topic.PERMISSION,
        patient=Patient(capabilities=0, refuse=refusing(errno.EACCES)),
        verdict=Verdict.MISSING,
        found="perf_event_paranoid 2, no CAP_PERFMON",
        advice="AmbientCapabilities=CAP_PERFMON",
        features=28,
    ),
    Ill(
        name="no permission in a pod",
        topic=Topic.PERMISSION,
        patient=Patient(capabilities=0, refuse=refusing(errno.EACCES), environment=IN_POD),
        verdict=Verdict.MISSING,
        found="no CAP_PERFMON",
        advice='capabilities.add: ["PERFMON"]',
        features=28,
    ),
    Ill(
        name="capabilities in a user namespace",
        topic=Topic.PERMISSION,
        patient=Patient(uid_map=SOME_UIDS, refuse=refusing(errno.EACCES)),
        verdict=Verdict.MISSING,
        found="in its user namespace alone",
        advice="outside of a user namespace",
        features=28,
    ),
    Ill(
        name="a process that can't be seen",
        topic=Topic.PERMISSION,
        patient=Patient(
            machine=replace(WHOLE, model=106), proc={"self/status": None, "sys/kernel/perf_event_paranoid": None}
        ),
        verdict=Verdict.UNKNOWN,
        found="self/status tells no capabilities",
        advice="--proc",
    ),
    Ill(
        name="a seccomp filter",
        topic=Topic.SYSTEM_CALLS,
        patient=Patient(refuse=refusing(errno.EPERM)),
        verdict=Verdict.MISSING,
        found="EPERM",
        advice="seccomp profile",
        features=28,
    ),
    Ill(
        name="SELinux",
        topic=Topic.SYSTEM_CALLS,
        patient=Patient(seccomp=0, sys={"fs/selinux/enforce": "1"}, refuse=refusing(errno.EACCES)),
        verdict=Verdict.MISSING,
        found="although the agent may count",
        advice="ausearch",
        features=28,
    ),
    Ill(
        name="too few descriptors",
        topic=Topic.OPEN_FILES,
        patient=Patient(refuse=refusing(errno.EMFILE)),
        verdict=Verdict.MISSING,
        found=f"{LIMIT:,} descriptors",
        advice="LimitNOFILE",
        features=28,
    ),
    Ill(
        name="event groups switched off",
        topic=Topic.EVENT_GROUPS,
        patient=Patient(event_groups=(EventGroup.CORE,)),
        verdict=Verdict.LIMITED,
        found="uncore, resctrl",
        advice="spec.eventGroups",
        features=13,
    ),
    Ill(
        name="dear reads",
        topic=Topic.REMOTE_READS,
        patient=Patient(remote_reads_per_second=1.0),
        verdict=Verdict.LIMITED,
        found="1 times a second",
        advice="remote_reads_per_second",
        features=SOME,
    ),
    Ill(
        name="a virtual machine without a PMU",
        topic=Topic.CORE,
        patient=Patient(machine=VIRTUAL, flags="fpu hypervisor", refuse=refusing(errno.ENOENT)),
        verdict=Verdict.MISSING,
        found="no core event counts; refused: 36 ENOENT",
        advice="<pmu state='on'/>",
        features=17,
    ),
    Ill(
        name="a virtual machine without top-down metrics",
        topic=Topic.CORE,
        patient=Patient(refuse=refusing(errno.EINVAL, when=lambda counter: counter.config in METRICS)),
        verdict=Verdict.LIMITED,
        found="EINVAL",
        advice="run without this event",
        features=1,
    ),
    Ill(
        name="capped counters",
        topic=Topic.CORE,
        patient=Patient(counters=4),
        verdict=Verdict.LIMITED,
        found="4 of 8 general counters",
        advice="stop other profilers",
    ),
    Ill(
        name="core counters behind another complaint",
        topic=Topic.CORE,
        patient=Patient(capabilities=0, refuse=refusing(errno.EACCES)),
        verdict=Verdict.UNKNOWN,
        found="because of: permission",
        advice="change that first",
    ),
    Ill(
        name="the NMI watchdog",
        topic=Topic.WATCHDOG,
        patient=Patient(machine=replace(WHOLE, nmi_watchdog=True)),
        verdict=Verdict.LIMITED,
        found="holds the fixed cycle counter",
        advice="kernel.nmi_watchdog=0",
    ),
    Ill(
        name="no IMC boxes",
        topic=Topic.IMC,
        patient=Patient(machine=replace(WHOLE, boxes={"cha": 2, "upi": 2, "iio": 2})),
        verdict=Verdict.MISSING,
        found="sysfs lists none",
        advice="modprobe intel_uncore",
        features=3,
    ),
    Ill(
        name="left out CHA boxes",
        topic=Topic.CHA,
        patient=Patient(machine=replace(WHOLE, boxes={"cha": [0, 1, 5], "imc": 2, "upi": 2, "iio": 2})),
        verdict=Verdict.LIMITED,
        found="numbers are left out: 2, 3, 4; the cache has 2 slices",
        advice="update BIOS",
    ),
    Ill(
        name="a UPI box that can't be read",
        topic=Topic.UPI,
        patient=Patient(sys={"bus/event_source/devices/uncore_upi_1/type": "nonsense"}),
        verdict=Verdict.LIMITED,
        found="1 can't be read",
        advice="dmesg",
    ),
    Ill(
        name="IIO boxes of one socket",
        topic=Topic.IIO,
        patient=Patient(machine=replace(WHOLE, cpumask="0")),
        verdict=Verdict.LIMITED,
        found="2 name fewer CPUs than there are sockets",
        advice="dmesg",
    ),
    Ill(
        name="a silent box",
        topic=Topic.READINGS,
        patient=Patient(rate=lambda counter: 0.0 if counter.type == FIRST_IMC + 1 else rate(counter)),
        verdict=Verdict.LIMITED,
        found="uncore_imc_1@socket0, uncore_imc_1@socket1: no counts at all",
        advice="unpopulated memory channel",
    ),
    Ill(
        name="an impossible clock",
        topic=Topic.READINGS,
        patient=Patient(rate=lambda counter: 7.0 if counter.type == FIRST_IMC + 1 else rate(counter)),
        verdict=Verdict.LIMITED,
        found="uncore_imc_1@socket0, uncore_imc_1@socket1: impossible counts",
        advice="update BIOS",
    ),
    Ill(
        name="counters that never run",
        topic=Topic.READINGS,
        patient=Patient(running_share=0.0),
        verdict=Verdict.LIMITED,
        found="never ran",
        advice="another user holds the counters",
        features=28,
    ),
    Ill(
        name="counters that stand still",
        topic=Topic.READINGS,
        patient=Patient(rate=lambda counter: 0.0 if counter.type == RAW else rate(counter)),
        verdict=Verdict.LIMITED,
        found="count nothing in some domain",
        advice="silent",
        features=17,
    ),
)
