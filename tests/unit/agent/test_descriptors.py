import subprocess
import sys
from pathlib import Path

from agent.descriptors import spare_descriptors

SCRIPT = """
import resource
from agent.descriptors import raise_descriptor_limit
from agent.sources.opening import opened
from agent.sources.protocol import Opened, Reading

class Greedy:
    name = "greedy"
    def open(self, events):
        self.held = []
        while True:
            try:
                self.held.append(open("/dev/null"))
            except OSError as error:
                return Opened()
    def read(self):
        return Reading(wall_ns=0, monotonic_ns=0)
    def close(self):
        [file.close() for file in self.held]

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
raise_descriptor_limit()
with opened([Greedy()]):
    files = [open("/dev/null") for _ in range(32)]
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_counters_that_eat_all_descriptors_leave_some_for_files() -> None:
    """In a process of its own, whose limit is lowered and raised again as far as it may."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(128, 128)"


def test_nothing_is_held_afterwards() -> None:
    before = descriptors()
    with spare_descriptors(5):
        assert descriptors() == before + 5
    assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
