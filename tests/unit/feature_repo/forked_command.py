"""``leeward`` commands as forks of one process that has imported Feast, which takes seconds: a fork starts in a moment.

``python -m tests.unit.feature_repo.forked_command`` reads one JSON document a line. A command's arguments, a file for
what it says and variables of its environment start it: its process's id is printed. Such an id waits for its end: its
exit status is printed. Commands that are left when the input ends are killed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

_ROOT = Path(__file__).parents[3]
_IMPORTED = (
    "feature_repo.compaction",
    "feature_repo.endpoint",
    "feast.infra.offline_stores.contrib.postgres_offline_store.postgres",
    "feast.infra.online_stores.redis",
    "feast.infra.registry.sql",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that was started.

    Attributes:
        process_id: its own.
        output: what it says, on both of its outputs.
    """

    process_id: int
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has logged, line by line."""
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{") and line.endswith("}")]

    def send(self, signal: Signals) -> None:
        os.kill(self.process_id, signal)


class Commands:
    """Starts commands and tells how they end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, *arguments: str, output: Path, environment: Mapping[str, str | None] | None = None) -> Command:
        """Start one.

        Args:
            environment: what it has beside the tests'; ``None`` takes a variable away.
        """
        output.touch()
        told = {"arguments": arguments, "output": str(output), "environment": dict(environment or {})}
        return Command(process_id=self._ask(told), output=output)

    def exit_status(self, command: Command) -> int:
        """Of a command, as soon as it has ended; below zero the signal that ended it."""
        return self._ask(command.process_id)

    def _ask(self, question: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def forked_commands() -> Iterator[Commands]:
    """Commands of this process's environment."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.unit.feature_repo.forked_command"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    ) as process:
        yield Commands(process)


def main() -> None:
    from cli.main import app

    for name in _IMPORTED:
        import_module(name)
    running: set[int] = set()
    for line in iter(sys.stdin.readline, ""):
        told = json.loads(line)
        if isinstance(told, int):
            _, status = os.waitpid(told, 0)
            running.remove(told)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _become(told)
            app(told["arguments"], prog_name="leeward")
        running.add(child)
        print(child, flush=True)
    for left in running:
        os.kill(left, SIGKILL)


def _become(told: dict[str, Any]) -> None:
    with Path(told["output"]).open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for name, value in told["environment"].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


if __name__ == "__main__":
    main()
