"""Uncore boxes by kind: how many sysfs lists, whether some are left out, and whether they open."""

from agent.doctor.check import Check, Verdict
from agent.doctor.node import BARE_METAL, UNCORE_TOPICS, Node
from agent.doctor.sapphire_rapids import LLC_BYTES_A_CHA, UPI_LINKS_OF_MCC
from agent.pmu_sysfs import PmuNode
from contracts.events import Pmu

_WHAT_THEY_SHOW = {
    Pmu.CHA: "cache misses, DDIO, remote accesses",
    Pmu.IMC: "memory bandwidth and queues",
    Pmu.UPI: "traffic between sockets",
    Pmu.IIO: "bytes to and from devices",
}


def uncore_boxes_of(pmu: Pmu, node: Node) -> Check:
    """One kind of box."""
    topic = UNCORE_TOPICS[pmu]
    boxes = node.boxes[pmu]
    refusals = node.refusals(topic)
    if not boxes.readable:
        unreadable = f", {len(boxes.unreadable)} that can't be read" if boxes.unreadable else ""
        return Check(
            topic=topic,
            verdict=Verdict.MISSING,
            found=f"sysfs lists none{unreadable}: {_WHAT_THEY_SHOW[pmu]}",
            advice=_absent(node, tuple(box.reason for box in boxes.unreadable[:1])),
        )
    found = f"{len(boxes.readable)} a socket{_remark(pmu, len(boxes.readable))}"
    oddities = [*_oddities(pmu, node), *((f"refused: {refusals}",) if refusals else ())]
    if oddities or node.lost_to(topic):
        return Check(
            topic=topic,
            verdict=Verdict.LIMITED,
            found="; ".join([found, *oddities]),
            advice=(
                *node.reasons(topic),
                *(box.reason for box in boxes.unreadable[:1]),
                "update BIOS and kernel, whose tables name the boxes; look in the kernel log: dmesg | grep -i uncore",
            ),
        )
    return Check(topic=topic, verdict=Verdict.OK, found=found)


def _absent(node: Node, reasons: tuple[str, ...]) -> tuple[str, ...]:
    if node.machine.is_virtual:
        return (BARE_METAL,)
    return (
        *reasons,
        "load the driver: modprobe intel_uncore (CONFIG_PERF_EVENTS_INTEL_UNCORE); in a container, mount the host's "
        "/sys whole",
        "where it is loaded, look in the BIOS for whatever hides performance monitoring from the system, and update it",
    )


def _remark(pmu: Pmu, count: int) -> str:
    if pmu is Pmu.UPI and count == UPI_LINKS_OF_MCC:
        return ", a medium core count die: firmware is known that describes the third wrongly"
    return ""


def _oddities(pmu: Pmu, node: Node) -> list[str]:
    boxes = node.boxes[pmu]
    found = []
    numbers = [_number(box) for box in boxes.readable]
    gaps = sorted(set(range(max(numbers) + 1)) - set(numbers))
    if gaps:
        found.append(f"numbers are left out: {', '.join(str(gap) for gap in gaps[:4])}")
    if boxes.unreadable:
        found.append(f"{len(boxes.unreadable)} can't be read")
    partial = [box.name for box in boxes.readable if len(box.cpus) < node.sockets]
    if partial:
        found.append(f"{len(partial)} name fewer CPUs than there are sockets ({partial[0]}, ...)")
    expected = _expected_chas(node) if pmu is Pmu.CHA else None
    if expected is not None and len(boxes.readable) + len(boxes.unreadable) != expected:
        found.append(f"the cache has {expected} slices, of which each has one")
    return found


def _number(box: PmuNode) -> int:
    """A box's own number; 0 for the only one of its kind, which has none.

    >>> _number(PmuNode(name="uncore_type_0_17", type=10))
    17
    """
    digits = box.name.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0


def _expected_chas(node: Node) -> int | None:
    """Slices of a socket's last-level cache; ``None`` where its size is not known, or this is another CPU."""
    first = node.topology.domains[0].socket
    sizes = [domain.ceilings.get("NODE.LLC_BYTES") for domain in node.topology.domains if domain.socket == first]
    known = [size for size in sizes if size is not None]
    if not node.topology.characterised or len(known) < len(sizes):
        return None
    return round(sum(known) / LLC_BYTES_A_CHA)
