"""Vectors for a spool that say which they are, and what became of them."""

import shutil
from pathlib import Path

from agent.spool import Spool
from agent.troubles import Troubles

ALL = 1 << 30


def payload(number: int) -> bytes:
    return b"%06d" % number + b"x" * 94


def payloads(first: int, count: int = 1) -> list[bytes]:
    return [payload(number) for number in range(first, first + count)]


def numbers(taken: tuple[bytes, ...]) -> list[int]:
    return [int(content[:6]) for content in taken]


def drained(spool: Spool) -> list[int]:
    """Everything that waits, acknowledged as it is read."""
    found: list[int] = []
    while taken := spool.take(count=7, size_bytes=ALL):
        found += numbers(taken)
        spool.acknowledge(len(taken))
    return found


def left_in(directory: Path) -> list[int]:
    """What an agent that starts on the directory finds waiting."""
    spool = Spool(directory, troubles=Troubles())
    found = drained(spool)
    spool.close()
    return found


def told(troubles: Troubles) -> list[str]:
    return [trouble.name for trouble in troubles.present]


def copied(directory: Path, copy: Path) -> Path:
    """What a killed agent leaves."""
    return Path(shutil.copytree(directory, copy))
