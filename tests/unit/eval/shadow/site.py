"""A made-up site in the shadow: decisions as an extender writes them, and windows of what came of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.regime import Regime
from contracts.trace import LabelledTrace
from eval.shadow.placement import Placement
from eval.shadow.recorded import read_placements
from eval.shadow.trouble import Troubles
from eval.watch.evidence_in_memory import EvidenceInMemory
from scheduler_extender.decisions import DECISIONS, FILE, Decision
from scheduler_extender.party_bounds import PartyBound
from tests.unit.eval.watch.site import BESIDE, KNOWN, window

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
LATER = BEGAN + timedelta(days=30)
CHAMPION = "sha256:" + "1" * 64


def party(uid: str, **changes: Any) -> PartyBound:
    """A newcomer of workload p, whose bound is within what it tolerates."""
    fields = {
        "pod": f"core/{uid}",
        "uid": uid,
        "workload": KNOWN["p"].key,
        "node": "spr-p",
        "domain": "socket0",
        "regime": Regime.QUIET,
        "newcomer": True,
        "bound": 1.2,
        "tolerance": 1.5,
    }
    return PartyBound(**(fields | changes))


def decision(uid: str, *, after: timedelta = timedelta(), **changes: Any) -> Decision:
    """Of a pod in the shadow that took a node as good as any."""
    fields: dict[str, Any] = {
        "decided": BEGAN + after,
        "pod": f"core/{uid}",
        "uid": uid,
        "workload": KNOWN["p"].key,
        "champion": CHAMPION,
        "shadowed": True,
        "tolerance": 1.5,
        "required": False,
        "nodes": 3,
        "failed": 0,
        "node": "spr-p",
        "score": 10,
        "ratio": 0.8,
        "best": ("spr-p",),
        "best_score": 10,
        "best_ratio": 0.8,
        "parties": (party(uid),),
    }
    return Decision(**(fields | changes))


MOVED: dict[str, Any] = {"score": 4, "ratio": 1.4, "best_ratio": 0.9}
"""Another node scored better, where every bound was within."""
NO_BETTER: dict[str, Any] = {"score": 10, "ratio": 1.4, "best_ratio": 1.4}


def of_group(group: str, uid: str, **changes: Any) -> dict[str, Any]:
    """What makes a decision one of another workload, on a node of its own."""
    own = {"workload": KNOWN[group].key, "node": f"spr-{group}"}
    return {**own, "parties": (party(uid, **own, **changes),)}


def write(state: Path, *lines: Decision | bytes, folder: str = "", file: str = FILE) -> Path:
    """Append lines as an extender does."""
    directory = state / DECISIONS / folder
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / file).open("ab") as written:
        for line in lines:
            written.write((line if isinstance(line, bytes) else line.to_json()) + b"\n")
    return state


def placements(state: Path, *, troubles: Troubles | None = None) -> tuple[Placement, ...]:
    return read_placements(state / DECISIONS, latest=LATER, troubles=troubles or Troubles())


def evidence(rows: Iterable[LabelledTrace]) -> EvidenceInMemory:
    memory = EvidenceInMemory()
    memory.add(rows, (*KNOWN.values(), BESIDE))
    return memory


def went(after: timedelta, slowdown: float, **changes: Any) -> LabelledTrace:
    """A window of a victim that was slowed down so much."""
    return window(BEGAN + after, 100.0 * slowdown, **changes)


HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
