"""The agent's whole run as a program to be ended: ``agent_lives.py ROOT STATE INGEST_URL MODEL_URL``.

It imports once, and forks for each line that it reads: thirty lives take seconds. It says each child's process number
and how it ended; a child's own events go to standard error.
"""

import os
import sys
from pathlib import Path

from agent.main import run
from agent.settings import AgentSettings, Roots


def live(root: Path, state: Path, ingest_url: str, model_url: str) -> None:
    run(
        AgentSettings(
            node="node-a",
            roots=Roots.under(root),
            state_directory=state,
            sampling_period_seconds=0.005,
            window_seconds=0.01,
            heartbeat_seconds=0.02,
            ingest_url=ingest_url,
            model_url=model_url,
            model_poll_seconds=0.1,
            listen="127.0.0.1:0",
        ),
        environment={},
    )


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main() -> None:
    root, state, ingest_url, model_url = sys.argv[1:]
    for _ in iter(sys.stdin.readline, ""):
        child = os.fork()
        if not child:
            live(Path(root), Path(state), ingest_url, model_url)
            return
        say(f"pid {child}")
        _, status = os.waitpid(child, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
