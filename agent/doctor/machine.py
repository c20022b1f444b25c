"""What machine this is: CPU flags, hypervisor, firmware, kernel."""

import re
from dataclasses import dataclass

from agent.doctor.kernel_files import text_of
from agent.settings import Roots

_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine below the agent.

    Attributes:
        model_name: of the CPU; empty where it is not told.
        flags: CPU flags; empty where they are not told.
        hypervisor: what the hypervisor calls itself, ``a hypervisor`` where it doesn't; ``None`` on bare metal.
        firmware: vendor, product and BIOS version; empty where they are not told.
        kernel: release, ``6.8.0-40-generic``; empty where it is not told.
        command_line: kernel parameters; empty where they are not told.
    """

    model_name: str
    flags: frozenset[str]
    hypervisor: str | None
    firmware: str
    kernel: str
    command_line: tuple[str, ...]

    @property
    def kernel_version(self) -> tuple[int, int] | None:
        """Major and minor number."""
        match = _VERSION.match(self.kernel)
        return None if match is None else (int(match[1]), int(match[2]))

    @property
    def is_virtual(self) -> bool:
        """Whether this is a virtual machine, as far as it can be seen."""
        return self.hypervisor is not None


def read_machine(roots: Roots) -> Machine:
    """Read what the trees tell; what they don't is left empty."""
    identity = _first_processor(text_of(roots.proc / "cpuinfo") or "")
    flags = frozenset(identity.get("flags", "").split())
    identifiers = roots.sys / "class/dmi/id"
    vendor, product, bios = (text_of(identifiers / name) for name in ("sys_vendor", "product_name", "bios_version"))
    made = " ".join(word for word in (vendor, product) if word)
    kind = text_of(roots.sys / "hypervisor/type")
    return Machine(
        model_name=identity.get("model name", ""),
        flags=flags,
        hypervisor=(kind or made or "a hypervisor") if kind or "hypervisor" in flags else None,
        firmware=", ".join(part for part in (made, f"BIOS {bios}" if bios else "") if part),
        kernel=text_of(roots.proc / "sys/kernel/osrelease") or "",
        command_line=tuple((text_of(roots.proc / "cmdline") or "").split()),
    )


def _first_processor(cpuinfo: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in cpuinfo.split("\n\n", 1)[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
