"""Core counters, and whether what opened also counts."""

from collections import Counter

from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.kernel_files import text_of
from agent.doctor.node import Node
from agent.doctor.probe import Fault
from agent.sources.groups import GENERAL_COUNTERS
from contracts.events import EVENTS, Pmu
from contracts.nodestate import EventGroup

_BOXES_NAMED = 3


def event_groups(node: Node) -> Check:
    """Whether the settings switch a family of counters off."""
    off = [group.value for group in EventGroup if group not in node.settings.event_groups]
    if off:
        return Check(
            topic=Topic.EVENT_GROUPS,
            verdict=Verdict.LIMITED,
            found=f"switched off in the settings: {', '.join(off)}",
            advice=("name them in spec.eventGroups, or leave it out",),
        )
    return Check(topic=Topic.EVENT_GROUPS, verdict=Verdict.OK, found="all are switched on")


def remote_reads(node: Node) -> Check:
    """Whether the ceiling on interruptions of other CPUs leaves groups out."""
    ceiling = node.settings.remote_reads_per_second
    lost = node.lost_to(Topic.REMOTE_READS)
    if lost:
        return Check(
            topic=Topic.REMOTE_READS,
            verdict=Verdict.LIMITED,
            found=f"{len(lost)} events are left out to interrupt other CPUs {ceiling:g} times a second at most",
            advice=("raise remote_reads_per_second, or lengthen the window",),
        )
    return Check(topic=Topic.REMOTE_READS, verdict=Verdict.OK, found=f"within {ceiling:g} a second, over all CPUs")


def core_counters(node: Node) -> Check:
    """Whether core events open on every CPU that may be read, and on how many counters."""
    probe, granted = node.probe, node.granted
    if not probe.core_cpus and not node.lost_to(Topic.CORE):
        return Check(
            topic=Topic.CORE,
            verdict=Verdict.UNKNOWN,
            found=f"none is counted because of: {', '.join(_topics_of_core_events(node))}",
            advice=("change that first, and look again",),
        )
    if node.lost_to(Topic.CORE):
        refusals = node.refusals(Topic.CORE)
        return Check(
            topic=Topic.CORE,
            verdict=Verdict.LIMITED if probe.core_cpus else Verdict.MISSING,
            found=_opened(node) + (f"; refused: {refusals}" if refusals else ""),
            advice=_core_advice(node),
        )
    full = GENERAL_COUNTERS[Pmu.CORE]
    if granted is not None and granted < full:
        return Check(
            topic=Topic.CORE,
            verdict=Verdict.LIMITED,
            found=f"{_opened(node)}; {granted} of {full} general counters are granted",
            advice=(
                "stop other profilers (perf, PCM, VTune); in a virtual machine ask for all counters: values are good, "
                "each from a smaller part of the window",
            ),
        )
    return Check(topic=Topic.CORE, verdict=Verdict.OK, found=_opened(node))


def _opened(node: Node) -> str:
    probe = node.probe
    if not probe.core_cpus:
        return "no core event counts"
    share = f", each for {probe.smallest_core_share:.0%} of the time at least" if probe.smallest_core_share else ""
    return f"{probe.core_groups} groups on {probe.core_cpus} CPUs{share}"


def _topics_of_core_events(node: Node) -> list[str]:
    return [topic.words for topic in Topic if any(EVENTS[event].pmu is Pmu.CORE for event in node.lost_to(topic))]


def _core_advice(node: Node) -> tuple[str, ...]:
    if node.machine.is_virtual and not node.probe.core_cpus:
        return (
            "give the virtual machine a PMU: QEMU -cpu host,pmu=on, libvirt <pmu state='on'/>; of a cloud, take a "
            "bare-metal or whole-socket instance",
        )
    return node.reasons(Topic.CORE) or ("look in the kernel log: dmesg | grep -i perf",)


def watchdog(node: Node) -> Check:
    """Whether the NMI watchdog holds the fixed cycle counter."""
    state = text_of(node.settings.roots.proc / "sys/kernel/nmi_watchdog")
    if state == "1":
        return Check(
            topic=Topic.WATCHDOG,
            verdict=Verdict.LIMITED,
            found="on: it holds the fixed cycle counter, and cycles take a general one",
            advice=("where soft lockups are watched by other means: sysctl -w kernel.nmi_watchdog=0",),
        )
    if state is None:
        return Check(
            topic=Topic.WATCHDOG, verdict=Verdict.OK, found="not told: this kernel has none, or hides its settings"
        )
    return Check(topic=Topic.WATCHDOG, verdict=Verdict.OK, found="off")


def readings(node: Node) -> Check:
    """Whether rows that opened also run, and count what can be."""
    faults, lost = node.probe.faults, node.lost_to(Topic.READINGS)
    if not faults and not lost:
        found = "every row that opened runs and can be believed" if node.probe.opened else "nothing opened to be read"
        return Check(topic=Topic.READINGS, verdict=Verdict.OK, found=found)
    told = "; ".join(
        f"{_some([row.instance for row in faults if row.fault is fault])}: {fault.value}"
        for fault, _ in Counter(row.fault for row in faults).most_common()
    )
    kinds = {row.fault for row in faults}
    advice = []
    if kinds & {Fault.SILENT, Fault.IMPOSSIBLE} or not kinds:
        advice.append(
            "silent or impossible boxes: an unpopulated memory channel is silent by right; else update BIOS and "
            "kernel, and look in the kernel log: dmesg | grep -i uncore"
        )
    if Fault.NEVER_RAN in kinds:
        advice.append("rows that never ran: another user holds the counters, or the hypervisor grants none; stop it")
    if Fault.UNREAD in kinds:
        advice.append("rows that can't be read: a CPU went away, or resctrl has no number for them; look again later")
    return Check(
        topic=Topic.READINGS,
        verdict=Verdict.LIMITED,
        found=told or f"{len(lost)} events open, and count nothing in some domain",
        advice=tuple(advice),
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_BOXES_NAMED])
    more = len(names) - _BOXES_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
