"""A hundred kills at random instants of an agent that spools and delivers; nothing that was safe is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.delivery import Delivery, DeliveryFigures
from agent.http_client import HttpClient, Server
from agent.spool import Spool, SpoolFigures
from agent.troubles import Troubles
from contracts.vector import from_json, to_json
from tests.unit.agent.ingest_server import Reply, ingest_server
from tests.unit.agent.spool_writer import vector

KILLS = 100
MOST_VECTORS = 60
"""That are awaited in a life before it is ended."""

_ROOT = Path(__file__).parents[3]
_PROGRAM = Path(__file__).with_name("spool_writer.py")


@pytest.mark.slow
def test_no_kill_loses_or_reorders_what_was_accepted(tmp_path: Path) -> None:
    chance = random.Random(1)
    with ingest_server() as ingest:
        ingest.reply = lambda _: Reply(status=chance.choice([200] * 20 + [409, 429, 500, 503]))
        safe = _accepted_in_many_lives(tmp_path / "spool", ingest.url, chance)
        ingest.reply = lambda _: Reply()
        figures = _deliver_the_rest(tmp_path / "spool", ingest.url)
    received = [from_json(line).window_start_ns for line in ingest.taken]
    assert figures.spool == SpoolFigures()
    assert len(safe) > KILLS * MOST_VECTORS / 3
    assert safe <= set(received)
    first_times = list(dict.fromkeys(received))
    assert first_times == sorted(first_times), "a node's vectors arrive in the order of its windows"
    assert set(ingest.taken) == {to_json(vector(number)) for number in received}, "a repeat is the same vector"
    sent = [(batch.client_port, line) for batch in ingest.batches if batch.status == 200 for line in batch.lines]
    assert len(sent) == len(set(sent)), "nothing that was acknowledged is sent again but after a kill"


def _accepted_in_many_lives(directory: Path, url: str, chance: random.Random) -> set[int]:
    """Kill at a random instant, again and again; the vectors that were safe."""
    safe: set[int] = set()
    with subprocess.Popen(
        [sys.executable, str(_PROGRAM), str(directory), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for life in range(KILLS):
            print(life * 1_000_000, file=program.stdin)
            pid = int(program.stdout.readline().removeprefix("pid "))
            said = [program.stdout.readline() for _ in range(chance.randint(0, MOST_VECTORS))]
            time.sleep(chance.uniform(0.0, 0.005))
            os.kill(pid, signal.SIGKILL)
            said += iter(program.stdout.readline, "dead\n")
            safe |= {int(line.removeprefix("safe ")) for line in said}
        program.stdin.close()
    return safe


def _deliver_the_rest(directory: Path, url: str) -> DeliveryFigures:
    troubles = Troubles()
    delivery = Delivery(
        Spool(directory, troubles=troubles),
        client=HttpClient(Server(url=url)),
        troubles=troubles,
        node="node-a",
        interval_seconds=0.01,
    )
    delivery.start()
    deadline = time.monotonic() + 60.0
    while delivery.figures().spool.waiting:
        assert time.monotonic() < deadline, troubles.present
        time.sleep(0.01)
    delivery.close()
    assert troubles.present == ()
    return delivery.figures()
