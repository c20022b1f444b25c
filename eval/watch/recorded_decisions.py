"""Predictions as the extender records them with its decisions, a line each, in a state directory.

Decisions of version 2 and later name every party's bound. Those of version 1 name none, so there is nothing to join.
"""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.model import UtcTime
from eval.watch.prediction import RecordedPrediction, Recordings
from scheduler_extender.decisions import DECISIONS, FILE


class _Lenient(BaseModel):
    """What is needed of a form that may have more."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Party(_Lenient):
    uid: str
    workload: str
    node: str
    domain: str | None = None
    bound: Annotated[float, Field(gt=0.0)] | None
    tolerance: float


class _Decision(_Lenient):
    version: int
    decided: UtcTime
    champion: str
    parties: tuple[_Party, ...] = ()


class RecordedDecisions:
    """The decisions of a state directory.

    Args:
        state: the state directory.
    """

    def __init__(self, state: Path) -> None:
        self._directory = state / DECISIONS

    def recorded(self) -> Recordings:
        """See ``eval.watch.prediction.Predictions``; a line that is being written is not there yet."""
        predictions: list[RecordedPrediction] = []
        unreadable = 0
        for file in sorted(self._directory.glob(f"{FILE}*")):
            whole, _, _ = file.read_bytes().rpartition(b"\n")
            for line in whole.splitlines():
                try:
                    decision = _Decision.model_validate(json.loads(line))
                except (ValidationError, ValueError):
                    unreadable += 1
                    continue
                predictions.extend(_predictions_of(decision))
        return Recordings(predictions=tuple(predictions), unreadable=unreadable)


def _predictions_of(decision: _Decision) -> list[RecordedPrediction]:
    """Of each party that something was predicted of."""
    return [
        RecordedPrediction(
            at=decision.decided,
            pod_uid=party.uid,
            workload=party.workload,
            node=party.node,
            domain=party.domain or "",
            champion=decision.champion,
            bound=party.bound,
            tolerance=party.tolerance,
        )
        for party in decision.parties
        if party.bound is not None
    ]
