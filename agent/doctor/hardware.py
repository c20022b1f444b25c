"""CPU, virtual machine, kernel: what no setting of Leeward changes."""

from agent.ceilings import HBM_MODEL_NAME
from agent.doctor.check import Check, Topic, Verdict
from agent.doctor.node import BARE_METAL, HOSTS_PROC, Node
from agent.doctor.sapphire_rapids import CAP_PERFMON, NAMED_BOXES

_NODE_SELECTOR = 'in its manifest, nodeSelector: feature.node.kubernetes.io/cpu-model.id: "143"'


def cpu(node: Node) -> Check:
    """Whether it is Sapphire Rapids."""
    topology = node.topology
    if not topology.characterised:
        identity = f"{topology.vendor} family {topology.family} model {topology.model} stepping {topology.stepping}"
        return Check(
            topic=Topic.CPU,
            verdict=Verdict.MISSING,
            found=f"{identity}: not Sapphire Rapids, for which alone events and models are made",
            advice=("run the agent on Sapphire Rapids nodes (Intel, family 6, model 143)", _NODE_SELECTOR),
        )
    memory = ", with HBM" if HBM_MODEL_NAME in node.machine.model_name else ""
    name = node.machine.model_name or f"model {topology.model}"
    return Check(
        topic=Topic.CPU,
        verdict=Verdict.OK,
        found=f"{name}{memory}: Sapphire Rapids, stepping {topology.stepping}, sockets: {node.sockets}",
    )


def virtual_machine(node: Node) -> Check:
    """Whether a hypervisor stands between agent and hardware."""
    machine = node.machine
    if machine.hypervisor is not None:
        return Check(
            topic=Topic.VIRTUAL_MACHINE,
            verdict=Verdict.LIMITED,
            found=f"a virtual machine ({machine.hypervisor}): it counts what the hypervisor passes on",
            advice=(BARE_METAL,),
        )
    if not machine.flags:
        return Check(
            topic=Topic.VIRTUAL_MACHINE,
            verdict=Verdict.UNKNOWN,
            found=f"{node.settings.roots.proc}/cpuinfo names no CPU flags",
            advice=(HOSTS_PROC,),
        )
    return Check(topic=Topic.VIRTUAL_MACHINE, verdict=Verdict.OK, found=f"bare metal: {_named(machine.firmware)}")


def kernel(node: Node) -> Check:
    """Whether the kernel can say the contract's events; its version is told, what it can do decides."""
    release = node.machine.kernel
    lost = node.lost_to(Topic.KERNEL)
    unnamed = [
        box.name for boxes in node.boxes.values() for box in boxes.readable if box.name.startswith("uncore_type_")
    ]
    newer = f"use Linux {_version(NAMED_BOXES)} or later, or a distribution's kernel that carries its uncore support"
    if lost:
        return Check(
            topic=Topic.KERNEL,
            verdict=Verdict.MISSING,
            found=f"Linux {_named(release)} has no room for {len(lost)} uncore events: {node.reasons(Topic.KERNEL)[0]}",
            advice=(newer,),
        )
    if unnamed:
        return Check(
            topic=Topic.KERNEL,
            verdict=Verdict.LIMITED,
            found=f"Linux {_named(release)} does not name {len(unnamed)} uncore boxes ({unnamed[0]}, ...)",
            advice=(newer,),
        )
    if node.machine.kernel_version is None:
        return Check(
            topic=Topic.KERNEL,
            verdict=Verdict.UNKNOWN,
            found=f"{node.settings.roots.proc}/sys/kernel/osrelease can't be read",
            advice=(HOSTS_PROC,),
        )
    if node.machine.kernel_version < CAP_PERFMON and not node.process.may_count:
        return Check(
            topic=Topic.KERNEL,
            verdict=Verdict.LIMITED,
            found=f"Linux {release} has no CAP_PERFMON: counting takes CAP_SYS_ADMIN",
            advice=(f"use Linux {_version(CAP_PERFMON)} or later", newer),
        )
    return Check(topic=Topic.KERNEL, verdict=Verdict.OK, found=f"Linux {release}")


def _version(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _named(text: str) -> str:
    return text or "unnamed"
