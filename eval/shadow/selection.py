"""Which placements a report is about."""

from dataclasses import dataclass
from datetime import datetime

from eval.shadow.placement import Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All placements but those that are left out.

    Attributes:
        begin, end: judged from then on, and before then; UTC, ``None`` without limit.
        namespace, workload: of these newcomers alone; empty for all.
    """

    begin: datetime | None = None
    end: datetime | None = None
    namespace: str = ""
    workload: str = ""

    def takes(self, placement: Placement) -> bool:
        """Whether a placement counts."""
        return (
            (self.begin is None or placement.decided >= self.begin)
            and (self.end is None or placement.decided < self.end)
            and self.namespace in {"", placement.namespace}
            and self.workload in {"", placement.workload}
        )
