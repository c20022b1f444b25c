"""Complaints: resctrl, and what the agent lives in."""

from dataclasses import replace

from agent.doctor.check import Topic, Verdict
from tests.unit.agent.doctor.ill import Ill
from tests.unit.agent.doctor.patient import IN_POD, WHOLE, Patient

SURROUNDINGS = (
    Ill(
        name="resctrl not mounted",
        topic=Topic.RESCTRL,
        patient=Patient(resctrl=False),
        verdict=Verdict.MISSING,
        found="CPU and kernel offer it",
        advice="mount -t resctrl resctrl /sys/fs/resctrl",
        features=1,
    ),
    Ill(
        name="resctrl not mounted, in a pod",
        topic=Topic.RESCTRL,
        patient=Patient(resctrl=False, environment=IN_POD),
        verdict=Verdict.MISSING,
        found="not mounted",
        advice="restart the agent's pod",
        features=1,
    ),
    Ill(
        name="a kernel without resctrl",
        topic=Topic.RESCTRL,
        patient=Patient(resctrl=False, offers_resctrl=False),
        verdict=Verdict.MISSING,
        found="this kernel offers no resctrl",
        advice="CONFIG_X86_CPU_RESCTRL",
        features=1,
    ),
    Ill(
        name="resctrl taken away by a kernel parameter",
        topic=Topic.RESCTRL,
        patient=Patient(resctrl=False, offers_resctrl=False, proc={"cmdline": "quiet rdt=!cmt,!mbmtotal,!mbmlocal"}),
        verdict=Verdict.MISSING,
        found="offers no resctrl",
        advice="take rdt=!cmt,!mbmtotal,!mbmlocal from the kernel's command line",
        features=1,
    ),
    Ill(
        name="a CPU without RDT",
        topic=Topic.RESCTRL,
        patient=Patient(flags="fpu msr", resctrl=False, offers_resctrl=False),
        verdict=Verdict.MISSING,
        found="the CPU shows no monitoring",
        advice="look in the BIOS for Intel RDT",
        features=1,
    ),
    Ill(
        name="resctrl without words on the CPU",
        topic=Topic.RESCTRL,
        patient=Patient(flags="", resctrl=False),
        verdict=Verdict.MISSING,
        found="no monitoring",
        advice="--proc",
        features=1,
    ),
    Ill(
        name="resctrl without bandwidth",
        topic=Topic.RESCTRL,
        patient=Patient(
            mounted={
                "info/L3_MON/mon_features": "llc_occupancy",
                **{
                    f"mon_data/mon_L3_0{socket}/mbm_{kind}_bytes": None
                    for socket in (0, 1)
                    for kind in ("total", "local")
                },
            }
        ),
        verdict=Verdict.LIMITED,
        found="without mbm_total_bytes, mbm_local_bytes",
        advice="the CPU, the hypervisor or the kernel lacks it",
    ),
    Ill(
        name="resctrl without clusters",
        topic=Topic.RESCTRL,
        patient=Patient(machine=replace(WHOLE, clusters=2), monitors_clusters=False),
        verdict=Verdict.LIMITED,
        found="not for each sub-NUMA cluster",
        advice="Linux 6.11",
        features=1,
    ),
    Ill(
        name="resctrl with words for numbers",
        topic=Topic.RESCTRL,
        patient=Patient(mounted={"mon_data/mon_L3_01/llc_occupancy": "Unavailable"}),
        verdict=Verdict.LIMITED,
        found="some values of some groups are words",
        advice="grep -rE",
        features=1,
    ),
    Ill(
        name="no cgroup tree",
        topic=Topic.PODS,
        patient=Patient(sys={"fs/cgroup/cgroup.controllers": None}),
        verdict=Verdict.UNKNOWN,
        found="no cgroup tree",
        advice="--cgroup",
    ),
    Ill(
        name="a pod that sees its own cgroups",
        topic=Topic.PODS,
        patient=Patient(environment=IN_POD, kubelet=False),
        verdict=Verdict.MISSING,
        found="the container's own tree",
        advice="--cgroup=/host/sys/fs/cgroup",
    ),
    Ill(
        name="a state directory below a file",
        topic=Topic.STATE_DIRECTORY,
        patient=Patient(state="proc/cpuinfo/state"),
        verdict=Verdict.MISSING,
        found="can't be written by uid",
        advice="StateDirectory=leeward",
    ),
    Ill(
        name="a state directory without room",
        topic=Topic.STATE_DIRECTORY,
        patient=Patient(spool_bytes=1 << 40),
        verdict=Verdict.LIMITED,
        found="of 1,048,640 that spool and models may take",
        advice="lower spool_bytes",
    ),
    Ill(
        name="an unsynchronised clock",
        topic=Topic.CLOCK,
        patient=Patient(clock_state=5),
        verdict=Verdict.LIMITED,
        found="unsynchronised",
        advice="chrony",
    ),
    Ill(
        name="a clock that may not be asked",
        topic=Topic.CLOCK,
        patient=Patient(clock_state=-1),
        verdict=Verdict.UNKNOWN,
        found="adjtimex",
        advice="timedatectl",
    ),
    Ill(
        name="a pod without a service account",
        topic=Topic.API_SERVER,
        patient=Patient(environment=IN_POD),
        verdict=Verdict.MISSING,
        found="token and ca.crt below",
        advice="automountServiceAccountToken: true",
    ),
)
