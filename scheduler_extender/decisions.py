"""What was judged of each pod, and where it went: a line each, written once the pod is bound.

<state>/decisions/decisions.jsonl      the latest, in the order in which pods were bound
<state>/decisions/decisions.jsonl.1    those before, and so on

The extender is never told what kube-scheduler chose, so the last judgement of a pod is kept until its binding is seen.
"""

import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from contracts.model import Document, UtcTime
from scheduler_extender.party_bounds import PartyBound
from scheduler_extender.pod import Pod
from scheduler_extender.verdict import Verdict
from scheduler_extender.view import ClusterView

DECISIONS = "decisions"
FILE = "decisions.jsonl"

PENDING = 512
"""Pods whose judgement is kept until they are bound; the longest waiting are forgotten first."""
UNWRITTEN = 4096
"""Lines that wait for the disk."""
BEST_NAMED = 5
FILE_BYTES = 16 * 2**20
FILES = 8


class Decision(Document):
    """One pod's placement.

    Attributes:
        version: of this form; 1 had no ``parties``.
        decided: when it was judged last, by the extender's clock.
        pod, uid, workload: namespace and name, UID, and the profile's key.
        champion: digest of the bundle that judged.
        shadowed: it was only looked at: the scheduler was told that all nodes are alike.
        tolerance, required: as they held for it.
        nodes: how many were asked about last.
        failed: how many policy ruled out, or would have.
        node: where it went.
        score, ratio: of that node, 0 to 10, and the worst ratio of a party's bound to its tolerance; ``null`` where it
            was not asked about, or nothing is predicted of it.
        best: nodes of the best score, some of them, by name.
        best_score, best_ratio: of the first of these.
        parties: what was bounded on ``node`` just before the pod came; none where nothing was.
    """

    version: Literal[1, 2] = 2
    decided: UtcTime
    pod: str
    uid: str
    workload: str
    champion: str
    shadowed: bool
    tolerance: float
    required: bool
    nodes: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]
    node: str
    score: int | None
    ratio: float | None
    best: tuple[str, ...]
    best_score: int
    best_ratio: float | None
    parties: tuple[PartyBound, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judgement:
    decided: datetime
    champion: str
    shadowed: bool
    required: bool
    tolerance: float
    rows: NDArray[np.int32]
    scores: NDArray[np.int8]
    ratios: NDArray[np.float32]
    failed: int


class Decisions:
    """Keeps judgements until pods are bound, and lines until they are written.

    One thread judges and places; only ``write`` may run in another one.
    """

    def __init__(self, view: ClusterView) -> None:
        self._view = view
        self._pending: OrderedDict[str, _Judgement] = OrderedDict()
        self._lines: deque[bytes] = deque(maxlen=UNWRITTEN)
        self._recent: OrderedDict[str, Decision] = OrderedDict()

    def judged(self, verdict: Verdict, *, failed: int, at: datetime, champion: str, shadowed: bool) -> None:
        """Keep what was judged of a pod.

        Args:
            verdict: by the model, also where the scheduler was told otherwise.
            failed: nodes that policy ruled out, or would have.
            at: UTC.
            champion: digest.
            shadowed: the scheduler was told that all nodes are alike.
        """
        uid = verdict.pod.uid
        if not uid or not len(verdict.rows):
            return
        earlier = self._pending.pop(uid, None)
        self._pending[uid] = _Judgement(
            decided=at,
            champion=champion,
            shadowed=shadowed,
            required=verdict.required,
            tolerance=verdict.tolerance,
            rows=verdict.rows.astype(np.int32),
            scores=verdict.scores.astype(np.int8),
            ratios=verdict.ratios.astype(np.float32),
            failed=max(failed, 0 if earlier is None else earlier.failed),
        )
        if len(self._pending) > PENDING:
            self._pending.popitem(last=False)

    def awaits(self, uid: str) -> bool:
        """Whether a pod was judged here and is not known to be bound."""
        return uid in self._pending

    def placed(self, pod: Pod, parties: tuple[PartyBound, ...] = ()) -> Decision | None:
        """Take note that a pod is bound; the decision, where it was judged here and not told yet.

        Args:
            pod: bound.
            parties: what was bounded on its node just before.
        """
        judgement = self._pending.pop(pod.uid, None)
        if judgement is None:
            return None
        decision = self._decision(pod, judgement, parties)
        self._lines.append(decision.to_json())
        self._recent[pod.uid] = decision
        if len(self._recent) > PENDING:
            self._recent.popitem(last=False)
        return decision

    def of(self, uid: str) -> Decision | None:
        """What was decided of a bound pod; only the latest are remembered."""
        return self._recent.get(uid)

    def forget(self, uid: str) -> None:
        """A pod is gone without having been placed."""
        self._pending.pop(uid, None)

    def write(self, writer: "DecisionWriter") -> None:
        """Hand over what is not written yet; what can't be written stays, until there is no more room for it.

        Raises:
            OSError: the disk is full or gone.
        """
        while self._lines:
            writer.write(self._lines[0])
            self._lines.popleft()

    def _decision(self, pod: Pod, judgement: _Judgement, parties: tuple[PartyBound, ...]) -> Decision:
        scores, ratios = judgement.scores, judgement.ratios
        by_name = sorted((self._view.name(int(row)), place) for place, row in self._best(judgement))
        first = by_name[0][1] if by_name else int(scores.argmax())
        chosen = np.flatnonzero(judgement.rows == self._view.lookup([pod.node])[0])
        place = int(chosen[0]) if len(chosen) else None
        return Decision(
            decided=judgement.decided,
            pod=pod.full_name,
            uid=pod.uid,
            workload=pod.key,
            champion=judgement.champion,
            shadowed=judgement.shadowed,
            tolerance=judgement.tolerance,
            required=judgement.required,
            nodes=len(scores),
            failed=judgement.failed,
            node=pod.node,
            score=None if place is None else int(scores[place]),
            ratio=None if place is None else _known(ratios[place]),
            best=tuple(name for name, _ in by_name[:BEST_NAMED]),
            best_score=int(scores.max()),
            best_ratio=_known(ratios[first]),
            parties=parties,
        )

    def _best(self, judgement: _Judgement) -> list[tuple[int, int]]:
        """Place and row of the nodes that score best and are known."""
        places = np.flatnonzero((judgement.scores == judgement.scores.max()) & (judgement.rows >= 0))
        return [(int(place), int(judgement.rows[place])) for place in places]


def _known(ratio: np.float32) -> float | None:
    return None if np.isnan(ratio) else float(ratio)


class _RaisingHandler(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's own name
        """Called where an error is under way, which logging would print and forget."""
        raise  # noqa: PLE0704


class DecisionWriter:
    """Appends lines to a directory's files, of which the oldest go; the directory is made with the first line."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handler = _RaisingHandler(
            directory / FILE, maxBytes=FILE_BYTES, backupCount=FILES - 1, delay=True, encoding="utf-8"
        )

    def write(self, line: bytes) -> None:
        """Append a line.

        Raises:
            OSError: the disk is full or gone.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        self._handler.emit(logging.LogRecord("decision", logging.INFO, "", 0, line.decode(), None, None))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


def read_decisions(directory: Path) -> list[Decision]:
    """All that is kept, the oldest first.

    Raises:
        ContractError: a line is torn or of another version.
    """
    files = sorted(directory.glob(f"{FILE}*"), key=_age, reverse=True)
    return [Decision.from_json(line) for file in files for line in file.read_bytes().splitlines()]


def _age(file: Path) -> int:
    """How many files are younger."""
    number = file.suffix.removeprefix(".")
    return int(number) if number.isdigit() else 0
