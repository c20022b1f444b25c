"""Placements out of the files in which extenders recorded their decisions.

<state>/decisions/decisions.jsonl*            of one extender
<state>/decisions/<anything>/decisions.jsonl* of several, a folder each

All files are read, line by line. A pod counts once: two replicas that were both asked about it both wrote it down.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from sys import intern

from contracts.errors import ContractError
from eval.shadow.placement import PlacedParty, Placement
from eval.shadow.trouble import Trouble, Troubles
from scheduler_extender.decisions import FILE, Decision
from scheduler_extender.party_bounds import PartyBound

_READ_HERE = (1, 2)
"""Versions of the form."""
_TOLERATED = 1.0
"""No slowdown at all: nobody tolerates less."""


def read_placements(directory: Path, *, latest: datetime, troubles: Troubles) -> tuple[Placement, ...]:
    """All that is kept below a directory, in the order in which pods were judged.

    Args:
        directory: may be written to meanwhile.
        latest: what was decided later is from the future.
        troubles: told of whatever is left out.

    Raises:
        OSError: a file can't be read.
    """
    found: dict[str, Placement] = {}
    for placement in _each(directory, latest, troubles):
        known = found.get(placement.uid)
        if known is None:
            found[placement.uid] = placement
        elif known.decided == placement.decided:
            troubles.add(Trouble.AGAIN)
        else:
            troubles.add(Trouble.TWICE, said=f"{placement.namespace}/{placement.workload}, UID {placement.uid}")
            found[placement.uid] = _later(known, placement)
    return tuple(sorted(found.values(), key=lambda placement: placement.decided))


def _each(directory: Path, latest: datetime, troubles: Troubles) -> Iterator[Placement]:
    for name, line in _lines(directory):
        decision = _decision(line, where=name, troubles=troubles)
        if decision is None:
            continue
        if decision.decided > latest:
            troubles.add(Trouble.AHEAD, said=f"{name}: decided {decision.decided:%Y-%m-%dT%H:%M:%SZ}")
            continue
        yield _placement_of(decision)


def _lines(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that is not empty, with its place.

    The youngest file of a folder comes first: should an extender begin another one meanwhile, a file is read again, and
    none is missed.
    """
    for file in sorted(directory.rglob(f"{FILE}*")):
        with suppress(FileNotFoundError), file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.isspace():
                    yield f"{file.relative_to(directory)}:{number}", line


def _decision(line: bytes, *, where: str, troubles: Troubles) -> Decision | None:
    try:
        decision = Decision.from_json(line)
    except ContractError as error:
        troubles.add(_trouble_with(line), said=f"{where}: {error}")
        return None
    if min(decision.tolerance, *(party.tolerance for party in decision.parties), _TOLERATED) < _TOLERATED:
        troubles.add(Trouble.BROKEN, said=f"{where}: a tolerance is below {_TOLERATED:g}")
        return None
    return decision


def _trouble_with(line: bytes) -> Trouble:
    try:
        told = json.loads(line)
    except ValueError:
        return Trouble.TORN
    if not isinstance(told, dict):
        return Trouble.TORN
    return Trouble.BROKEN if told.get("version", 2) in _READ_HERE else Trouble.OTHER_VERSION


def _placement_of(decision: Decision) -> Placement:
    return Placement(
        decided=decision.decided,
        uid=intern(decision.uid),
        namespace=_namespace(decision.pod),
        workload=intern(decision.workload),
        node=intern(decision.node),
        champion=intern(decision.champion),
        shadowed=decision.shadowed,
        required=decision.required,
        nodes=decision.nodes,
        failed=decision.failed,
        score=decision.score,
        ratio=decision.ratio,
        best_score=decision.best_score,
        best_ratio=decision.best_ratio,
        parties=None if decision.version == 1 else tuple(map(_party_of, decision.parties)),
    )


def _party_of(party: PartyBound) -> PlacedParty:
    """Names are kept once, however many lines they stand in."""
    return PlacedParty(
        uid=intern(party.uid),
        namespace=_namespace(party.pod),
        workload=intern(party.workload),
        domain=intern(party.domain),
        newcomer=party.newcomer,
        bound=party.bound,
        tolerance=party.tolerance,
    )


def _namespace(full_name: str) -> str:
    return intern(full_name.partition("/")[0])


def _later(one: Placement, other: Placement) -> Placement:
    """The later judgement; of what filters ruled out the more, as within one extender."""
    latest = max(one, other, key=lambda placement: placement.decided)
    return replace(latest, failed=max(one.failed, other.failed))
