"""An agent's vectors from accept to ingest, as a program to be killed: ``spool_writer.py DIRECTORY URL``.

It imports once, and forks for each line that it reads, a number from which on to count: a hundred kills take seconds.
A child says its process's number, then that of each vector that is safe; its parent says when it is dead.
"""

import os
import sys
from itertools import count
from pathlib import Path

import numpy as np

from agent.backoff import Backoff
from agent.delivery import Delivery
from agent.http_client import HttpClient, Server
from agent.ingest_answer import Pace
from agent.spool import Spool
from agent.troubles import Troubles
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector

_VALUES = np.full(len(FEATURE_SCHEMA_V1.features), np.nan, np.float32)


def vector(number: int) -> FeatureVector:
    """One whose window's start is its number."""
    return FeatureVector(
        node="node-a", domain=f"socket{number % 2}", window_start_ns=number, window_length_ns=1, values=_VALUES
    )


def write(directory: Path, url: str, first: int) -> None:
    troubles = Troubles()
    delivery = Delivery(
        Spool(directory, troubles=troubles, limit_bytes=1 << 20),
        client=HttpClient(Server(url=url)),
        troubles=troubles,
        node="node-a",
        interval_seconds=0.002,
        paces={pace: Backoff(first_seconds=0.001, longest_seconds=0.002) for pace in Pace},
    )
    say(f"pid {os.getpid()}")
    delivery.start()
    for number in count(first, 2):
        delivery.accept([vector(number), vector(number + 1)])
        if "spool-unwritable" not in {trouble.name for trouble in troubles.present}:
            say(f"safe {number}")
            say(f"safe {number + 1}")


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main() -> None:
    directory, url = Path(sys.argv[1]), sys.argv[2]
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if not child:
            write(directory, url, int(line))
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
