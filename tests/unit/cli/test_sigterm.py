"""Servers end with 0 on SIGTERM, as processes of their own; ingest's way is in ``tests/e2e/test_servers.py``."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from cli.sigterm import ended_by_sigterm

LEEWARD = str(Path(sys.executable).with_name("leeward"))


def test_before_and_after_serving_the_signal_ends_the_process_with_0() -> None:
    with pytest.raises(SystemExit) as ended, ended_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 0


def test_the_handler_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_sigterm():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("server", ["extender", "models"])
def test_a_server_that_is_told_to_end_ends_well(server: str, tmp_path: Path) -> None:
    command = [LEEWARD, server, "serve", "--host", "127.0.0.1", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = json.loads(process.stderr.readline())["port"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as answer:
                assert answer.status == 200
            process.terminate()
            _, rest = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, rest) == (0, "")
