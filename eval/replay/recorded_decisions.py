"""Decisions that extenders wrote in the recorded period: of a recording's own folder, or of a state directory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.errors import ContractError
from eval.replay.trouble import Trouble
from scheduler_extender.decisions import DECISIONS, FILE, Decision
from serving.replacement import replace_file


def recorded_decisions(directories: Sequence[Path], troubles: Counter[Trouble]) -> Mapping[str, Decision]:
    """By pod's UID. Of several on one pod, as replicas of an extender write them, the last judgement counts.

    Args:
        directories: recordings or state directories; those that have no decisions add none.
        troubles: counts what is wrong with them.
    """
    found: dict[str, Decision] = {}
    for file in (file for each in directories for file in sorted((each / DECISIONS).rglob(f"{FILE}*"))):
        whole, _, torn = file.read_bytes().rpartition(b"\n")
        troubles[Trouble.DECISION_UNREADABLE] += bool(torn)
        for line in whole.splitlines():
            try:
                decision = Decision.from_json(line)
            except ContractError:
                troubles[Trouble.DECISION_UNREADABLE] += 1
                continue
            former = found.get(decision.uid)
            if former is None or former.decided < decision.decided:
                found[decision.uid] = decision
            troubles[Trouble.DECISION_TWICE] += former is not None and former != decision
    return found


def copy_decisions(state: Path, recording: Path) -> int:
    """Copy an extender's files of decisions into a recording, over those that were copied before.

    Args:
        state: the extender's state directory.
        recording: of the same period.

    Returns:
        How many files there are.

    Raises:
        OSError: they can't be read or written; what was copied before stays.
    """
    files = sorted((state / DECISIONS).glob(f"{FILE}*"))
    if files:
        (recording / DECISIONS).mkdir(exist_ok=True)
    for file in files:
        replace_file(recording / DECISIONS / file.name, file.read_bytes())
    return len(files)
