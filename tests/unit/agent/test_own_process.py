import os
import time
from pathlib import Path

import pytest

from agent.own_process import own_process


def test_it_is_this_process_that_is_looked_at() -> None:
    before = own_process()
    assert before.started_at == pytest.approx(time.time() - _seconds_since_start(), abs=2.0)
    descriptors = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
    grown = bytearray(64 << 20)
    grown[::4096] = b"x" * len(grown[::4096])
    after = own_process()
    for descriptor in descriptors:
        os.close(descriptor)
    assert after.descriptors - before.descriptors >= 40
    assert after.resident_bytes - before.resident_bytes >= 32 << 20
    assert after.cpu_seconds >= before.cpu_seconds


def test_a_kernel_that_does_not_say_how_many_descriptors_are_open_has_them_counted(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    (proc / "self/fd").mkdir(parents=True)
    (proc / "self/statm").write_text("900 250 100 1 0 400 0\n")
    (proc / "self/stat").write_text(f"7 (a b) c) S {' '.join(['1'] * 18)} 4200 9 9\n")
    (proc / "stat").write_text("cpu 1 2 3\nbtime 1700000000\nprocesses 9\n")
    figures = own_process(proc)
    assert figures.resident_bytes == 250 * os.sysconf("SC_PAGE_SIZE")
    assert figures.started_at == 1700000000 + 4200 / os.sysconf("SC_CLK_TCK")


def _seconds_since_start() -> float:
    started = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return float(Path("/proc/uptime").read_text().split()[0]) - started
