"""Puts the ``uv`` that ``uv.lock`` names where the Makefile wants it, with nothing but Python's standard library.

Debian's ``python3.11`` comes without pip and without the means to make a virtual environment; uv needs neither.
Run from the repository's root: ``python3.11 .ci/install_uv.py .tools/uv``.
"""

import hashlib
import http.client
import io
import os
import platform
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

ATTEMPTS = 3
TIMEOUT_SECONDS = 60.0
EXECUTABLE_MODE = 0o755


class InstallError(Exception):
    """uv can't be installed; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """One wheel as the lock file names it: where it lies and the SHA-256 of its bytes, in hexadecimal."""

    url: str
    sha256: str


def locked_wheel(lock_text: str, *, system: str, machine: str) -> LockedWheel:
    """The wheel of uv for this machine.

    Args:
        lock_text: what ``uv.lock`` holds.
        system: as ``platform.system()`` says it.
        machine: as ``platform.machine()`` says it.

    Raises:
        InstallError: where the lock file names no such wheel.
    """
    if system != "Linux":
        raise InstallError(f"Leeward builds on Linux, since it reads counters through Linux' perf; this is {system}")
    (wheels,) = (package["wheels"] for package in tomllib.loads(lock_text)["package"] if package["name"] == "uv")
    for wheel in wheels:
        tags = wheel["url"].rpartition("/")[2].removesuffix(".whl").split("-")[-1].split(".")
        if any(tag.startswith("manylinux") and tag.endswith(f"_{machine}") for tag in tags):
            return LockedWheel(url=wheel["url"], sha256=wheel["hash"].removeprefix("sha256:"))
    raise InstallError(f"uv.lock names no wheel of uv for {machine}: install uv yourself and say `make UV=<its path>`")


def fetch(wheel: LockedWheel, *, attempts: int = ATTEMPTS, pause_seconds: float = 1.0) -> bytes:
    """The wheel's bytes, as its hash vouches for them; proxy and certificates are taken from the environment.

    Raises:
        InstallError: where it can't be had, or is another file than the lock file means.
    """
    for attempt in range(1, attempts + 1):
        try:
            # The URL comes from the lock file, and what it yields is checked below.
            with urllib.request.urlopen(wheel.url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
                content: bytes = response.read()
            break
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            if attempt == attempts:
                raise InstallError(
                    f"{wheel.url} can't be fetched: {error}. Behind a proxy set HTTPS_PROXY, and SSL_CERT_FILE to its "
                    "certificates; or install uv yourself and say `make UV=<its path>`"
                ) from error
            time.sleep(pause_seconds)
    found = hashlib.sha256(content).hexdigest()
    if found != wheel.sha256:
        raise InstallError(f"{wheel.url} is not the file that uv.lock means: SHA-256 {found}, not {wheel.sha256}")
    return content


def unpack(wheel: bytes, target: Path) -> None:
    """Write the executable ``uv`` out of the wheel to ``target``, whole or not at all."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".data/scripts/uv")]
        executable = archive.read(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    partial.write_bytes(executable)
    partial.chmod(EXECUTABLE_MODE)
    partial.replace(target)


def main(target: Path) -> int:
    """Install uv at ``target``; returns the exit status."""
    try:
        lock_text = Path("uv.lock").read_text(encoding="utf-8")
        wheel = locked_wheel(lock_text, system=platform.system(), machine=platform.machine())
        unpack(fetch(wheel), target)
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
