"""A resctrl tree that fills new monitoring groups, as the kernel does."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from agent.settings import Roots
from agent.workload.monitoring_group import Directories
from tests.unit.agent.machine_tree import add_resctrl


@dataclass
class ResctrlFixture:
    """The tree below ``roots.resctrl``; ``refuse_making`` is the errno of making a group, 0 for none."""

    roots: Roots
    domains: tuple[str, ...] = ("mon_L3_00", "mon_L3_01")
    occupancy: object = 5_000_000
    refuse_making: int = 0
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for domain in self.domains:
            add_resctrl(self.roots, "", domain=domain, occupancy=90_000_000, total=10**12, local=10**12)
        (self.roots.resctrl / "mon_groups").mkdir()

    @property
    def directories(self) -> Directories:
        return Directories(make=self._make, remove=shutil.rmtree)

    @property
    def groups(self) -> list[str]:
        """Monitoring groups that are there now, of all control groups."""
        root = self.roots.resctrl
        return sorted(str(path.relative_to(root)) for path in root.glob("**/mon_groups/*"))

    def add_control_group(self, name: str) -> None:
        (self.roots.resctrl / name / "mon_groups").mkdir(parents=True)

    def join(self, thread: int, *, control: str = "/", monitor: str = "") -> None:
        """Tell by ``/proc`` which groups a thread is in."""
        path = self.roots.proc / str(thread)
        path.mkdir(parents=True, exist_ok=True)
        (path / "cpu_resctrl_groups").write_text(f"res:{control}\nmon:{monitor}\n")

    def set(self, group: str, domain: str, *, occupancy: object = 0, total: object = 0, local: object = 0) -> None:
        add_resctrl(self.roots, group, domain=domain, occupancy=occupancy, total=total, local=local)

    def moved(self, group: str) -> list[int]:
        """Threads that were written into a group, in the order of the writes."""
        return [int(line) for line in (self.roots.resctrl / group / "tasks").read_text().split()]

    def _make(self, path: Path) -> None:
        if self.refuse_making:
            raise OSError(self.refuse_making, "refused", str(path))
        path.mkdir()
        (path / "tasks").touch()
        group = str(path.relative_to(self.roots.resctrl))
        self.made.append(group)
        for domain in self.domains:
            self.set(group, domain, occupancy=self.occupancy)
