"""What a poll-mode core notices when a group of its counters is read from another CPU.

A busy loop on one CPU writes down every pause above two microseconds, first undisturbed, then while a group of eight
software events of that CPU is read from another one, so often that these pauses are the most frequent ones.
``python -m tests.bench.interruption`` prints both; it needs two CPUs and the right to count them.
"""

import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median

from agent.encoding import Encoding
from agent.sources.counter_groups import Refusal, close_group, open_group
from agent.sources.kernel import Kernel, ReadPlan

DUMMY = Encoding(event="dummy", pmu="software", type=1, config=9)
GROUP = 8
PAUSE_NS = 2_000
SECONDS = 2.0
READS_A_SECOND = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """What the busy loop saw.

    Attributes:
        a_second: pauses above two microseconds.
        median_us: their median length.
    """

    a_second: float
    median_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """A busy loop alone, and one whose CPU's counters are read."""

    undisturbed: Pauses
    read: Pauses
    reads_a_second: float


def measure() -> Disturbance:
    """Run the busy loop twice.

    Raises:
        RuntimeError: this machine has one CPU, or forbids counting.
    """
    own, other = _two_cpus()
    undisturbed, _ = _busy(other, reader_cpu=own, kernel=None)
    read, reads = _busy(other, reader_cpu=own, kernel=Kernel())
    return Disturbance(undisturbed=undisturbed, read=read, reads_a_second=reads / SECONDS)


def _two_cpus() -> tuple[int, int]:
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise RuntimeError("one CPU is not enough: a core that is read needs another one that reads it")
    return cpus[0], cpus[-1]


def _busy(cpu: int, *, reader_cpu: int, kernel: Kernel | None) -> tuple[Pauses, int]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    poller = context.Process(target=_poll, args=(cpu, theirs))
    home = os.sched_getaffinity(0)
    poller.start()
    try:
        os.sched_setaffinity(0, {reader_cpu})
        ours.recv()
        reads = _read_steadily(kernel, cpu) if kernel is not None else 0
        pauses = ours.recv()
    finally:
        poller.join()
        os.sched_setaffinity(0, home)
    return pauses, reads


def _read_steadily(kernel: Kernel, cpu: int) -> int:
    group = open_group(kernel, [DUMMY] * GROUP, cpu=cpu)
    if isinstance(group, Refusal):
        raise RuntimeError(f"counting CPU {cpu} is refused with errno {group.errno}: run as root")
    plan = ReadPlan([group[0]], [GROUP])
    end, reads = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        kernel.read_groups(plan)
        reads += 1
        time.sleep(1.0 / READS_A_SECOND)
    close_group(kernel, group)
    return reads


def _poll(cpu: int, connection: Connection) -> None:
    os.sched_setaffinity(0, {cpu})
    connection.send("ready")
    now = time.perf_counter_ns
    pauses: list[int] = []
    before = now()
    end = before + int(SECONDS * 1e9)
    while before < end:
        after = now()
        if after - before > PAUSE_NS:
            pauses.append(after - before)
        before = after
    connection.send(Pauses(a_second=len(pauses) / SECONDS, median_us=median(pauses) / 1e3 if pauses else 0.0))


def main() -> None:
    """Print what was seen."""
    seen = measure()
    more = seen.read.a_second - seen.undisturbed.a_second
    print(f"{'':24}{'reads/s':>9}{'pauses/s':>10}{'median':>10}")
    for name, reads, pauses in (
        ("undisturbed", 0.0, seen.undisturbed),
        ("read from another CPU", seen.reads_a_second, seen.read),
    ):
        print(f"{name:24}{reads:9.0f}{pauses.a_second:10.0f}{pauses.median_us:7.1f} us")
    print(f"pauses for each read: {more / seen.reads_a_second:.2f}")


if __name__ == "__main__":
    main()
