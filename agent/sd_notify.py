"""What systemd hears from the agent: that it is ready, that its loop goes on, that it stops.

A datagram to the socket that systemd names, by sd_notify(3) and sd_watchdog_enabled(3). Where nobody listens, and where
a datagram can't be sent, nothing happens: an agent does not end because of its supervisor.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping

MICROSECOND = 1e-6


class Supervisor:
    """systemd, or nobody.

    Args:
        address: of its socket: a path, or an abstract name behind ``@``; empty for nobody.
        watchdog_seconds: within which it wants signs of life; ``None`` where it wants none.
        monotonic: seconds now.
    """

    def __init__(
        self,
        address: str = "",
        *,
        watchdog_seconds: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._interval_seconds = None if watchdog_seconds is None else watchdog_seconds / 2
        self._monotonic = monotonic
        self._due_seconds = monotonic()

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ, *, pid: int | None = None) -> "Supervisor":
        """The one that an environment names by ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.

        Args:
            environment: of the process.
            pid: this process's where absent; ``WATCHDOG_PID`` may mean another one.
        """
        address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "")
        is_meant = environment.get("WATCHDOG_PID", str(pid or os.getpid())) == str(pid or os.getpid())
        wants_signs = is_meant and microseconds.isascii() and microseconds.isdecimal() and int(microseconds) > 0
        return cls(
            address if address.startswith(("/", "@")) else "",
            watchdog_seconds=int(microseconds) * MICROSECOND if wants_signs else None,
        )

    def ready(self, status: str) -> None:
        """The start is done. Said again, another status holds.

        Args:
            status: one line, for ``systemctl status``.
        """
        self._say("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        """The loop has come on: called by the loop itself, as often as it likes.

        Said at most twice within the time that the watchdog allows, as sd_watchdog_enabled(3) advises.
        """
        if self._interval_seconds is None or self._monotonic() < self._due_seconds:
            return
        self._due_seconds = self._monotonic() + self._interval_seconds
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return
