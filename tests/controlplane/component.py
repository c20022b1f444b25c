"""One process of the rig: its output goes to a file, and it ends with the process that started it."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.unit.live_server import eventually

ENDING_SECONDS = 20.0
LAST_LINES = 30
FOREIGN = ("KUBE", "LEEWARD_", "MLFLOW_", "NODE_NAME")
"""Variables that say something to a program of the rig, and come from elsewhere."""


class Component:
    """A program that can be started, killed, frozen and started again.

    The kernel kills it when whoever started it is gone, however that came about (``PR_SET_PDEATHSIG``).

    Args:
        name: names its output, ``<folder>/<name>.log``.
        command: program and arguments.
        folder: where it runs.
        environment: besides this process's own.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = ("setpriv", "--pdeathsig", "KILL", *command)
        self._folder = folder
        own = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        self._environment = own | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it where it does not run."""
        if not self.is_running:
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    self._command, stdout=output, stderr=output, cwd=self._folder, env=self._environment
                )

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended; frozen it runs all the same."""
        return self._process is not None and self._process.poll() is None

    @property
    def processor_seconds(self) -> float:
        """What it has used since it was started, in user and system mode (proc(5), ``stat``)."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Ask it to end, and kill it where it does not."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            try:
                self._process.wait(timeout=ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once; also when it is frozen."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Let it do nothing: the kernel takes connections on its behalf, and nobody answers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def wait_until(self, ready: Callable[[], object], *, seconds: float) -> None:
        """Wait until it is ready.

        Raises:
            AssertionError: it ended, or the time did; shows what it said last.
        """
        try:
            eventually(lambda: not self.is_running or ready(), seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{self.name} is not ready after {seconds:g} s:\n{self.last_said()}") from error
        assert self.is_running, f"{self.name} has ended:\n{self.last_said()}"

    def last_said(self) -> str:
        """The last lines of its output."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LAST_LINES:])

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        assert self.is_running, f"{self.name} has ended:\n{self.last_said()}"
        self._process.send_signal(number)
