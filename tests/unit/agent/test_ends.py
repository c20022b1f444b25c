"""An agent that is asked to end, or killed, at random instants of its life; the next one takes over what it left."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.nodestate import NodeState
from contracts.vector import from_json
from serving.model_server import create_app, server_of
from tests.unit.agent.ingest_server import Reply, ingest_server
from tests.unit.agent.machine_tree import Machine, build
from tests.unit.agent.test_champion_model import promote
from tests.unit.live_server import eventually, running

LIVES = 30
LONGEST_SECONDS = 0.4
"""From its first event to its end."""
END_SECONDS = 2.0
NOISE_SECONDS = 3.0
"""What a machine that has much else to do may add."""

_ROOT = Path(__file__).parents[3]
_PROGRAM = Path(__file__).with_name("agent_lives.py")


@dataclass
class Lives:
    """A program that lives again whenever it is told to.

    ``said`` is the file with what all lives said, ``slowest_seconds`` the longest that an end took.
    """

    process: subprocess.Popen[str]
    said: Path
    slowest_seconds: float = 0.0

    def end(self, number: signal.Signals, *, after_seconds: float) -> int:
        """One life: from its first event, by when it hears signals, so many seconds; how it ended."""
        assert self.process.stdin is not None
        before = self.said.stat().st_size
        print("live", file=self.process.stdin, flush=True)
        pid = int(self._next_line().removeprefix("pid "))
        eventually(lambda: self.said.stat().st_size > before)
        time.sleep(after_seconds)
        asked = time.monotonic()
        os.kill(pid, number)
        code = int(self._next_line().removeprefix("ended "))
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - asked)
        return code

    def _next_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def lives(said: Path, *arguments: str) -> Iterator[Lives]:
    with (
        said.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, str(_PROGRAM), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        ) as process,
    ):
        yield Lives(process, said)
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.slow
def test_however_it_ends_the_next_one_goes_on_and_nothing_is_left_half_written(tmp_path: Path) -> None:
    chance = random.Random(1)
    state = tmp_path / "state"
    build(tmp_path / "root", Machine(boxes={}))
    promote(tmp_path / "server", "1")
    with running(server_of(create_app(tmp_path / "server"))) as port, ingest_server() as ingest:
        ingest.reply = lambda _: Reply(status=chance.choice([200, 200, 503]))
        servers = (ingest.url, f"http://127.0.0.1:{port}")
        with lives(tmp_path / "said", str(tmp_path / "root"), str(state), *servers) as program:
            for _ in range(LIVES):
                number = chance.choice([signal.SIGTERM, signal.SIGKILL])
                code = program.end(number, after_seconds=chance.uniform(0.0, LONGEST_SECONDS))
                assert code == (0 if number is signal.SIGTERM else -signal.SIGKILL)
            assert program.end(signal.SIGTERM, after_seconds=2.0) == 0
        assert program.slowest_seconds < END_SECONDS + NOISE_SECONDS
    said = [json.loads(line) for line in program.said.read_text().splitlines()]
    assert [event for event in said if event["event"].endswith("-ended")] == []
    assert said[-1]["event"] == "stopped"
    assert {path.name for path in state.iterdir()} == {"alive", "bundles", "champion.json", "nodestates", "spool"}
    assert [path.name for path in (state / "nodestates").iterdir()] == ["node-a.json"]
    assert len(list((state / "bundles").iterdir())) == 1
    last = NodeState.from_json((state / "nodestates/node-a.json").read_bytes())
    assert last.status is not None
    assert last.status.bundle_digest is not None
    assert _are_in_order(ingest.taken)


def _are_in_order(lines: Sequence[bytes]) -> bool:
    """A repeat, which an end in the midst of a request makes, is no disorder."""
    times = list(dict.fromkeys(from_json(line).window_start_ns for line in lines))
    return times == sorted(times)
