"""An ingest server with a hundred lives: ``python -m tests.unit.feature_repo.killed_server STATE LIVES SECONDS``.

Feast takes seconds to import, so one process imports it, and each life is a fork of it which opens the files anew. All
listen on the same socket, whose port is printed. A life is ended by SIGKILL; after the last one "over" is printed.
"""

import os
import random
import signal
import socket
import sys
import time
from pathlib import Path

from feature_repo.endpoint import bound, create_app, server_of
from feature_repo.housekeeping import Housekeeping
from feature_repo.ingest import Ingest
from feature_repo.store import Store, open_store


def live(store: Store, listening: socket.socket, alive: int) -> None:
    housekeeping = Housekeeping(store, keep_days=None, told=lambda _: None, interval_seconds=0.02)
    app = create_app(Ingest(store), pause_seconds=0.0)
    with housekeeping.running():
        os.write(alive, b".")
        server_of(app).run(sockets=[listening])


def let_work(process: int, seconds: float) -> None:
    """Wait until it has had so much of a processor, or ten times as long: so lives are as full on a busy machine."""
    deadline = time.monotonic() + 10 * seconds
    while _processor_seconds(process) < seconds and time.monotonic() < deadline:
        time.sleep(0.005)


def _processor_seconds(process: int) -> float:
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    state, lives, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    open_store(state)
    store = open_store(state)  # all is in place: this handle has no connection that a fork must not share
    chance = random.Random(1)
    is_alive, alive = os.pipe()
    with bound("127.0.0.1", 0) as listening:
        print(listening.getsockname()[1], flush=True)
        for life in range(lives + 1):
            child = os.fork()
            if child == 0:
                live(store, listening, alive)
                os._exit(0)
            os.read(is_alive, 1)
            if life < lives:
                let_work(child, chance.uniform(0.0, 2.0) * seconds)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        print("over", flush=True)
        sys.stdin.readline()
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
