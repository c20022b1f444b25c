"""Asks the extender with fuzzed bodies, and says what came of it.

    python -m tests.fuzz.extender_bodies --bodies 100000 --seed 1

Most are invented by Hypothesis; a tenth is found by atheris (``guided_bodies``). Each is asked of all three verbs, one
in twenty over HTTP. The first unlawful answer ends the run, and Hypothesis tells the smallest family that leads to it.
"""

import argparse
import logging
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
from hypothesis import HealthCheck, Phase

from tests.fuzz.bodies import Bodies, families
from tests.fuzz.fuzzed_extender import Asker, fill, in_process, over_http

BATCH = 50
"""Families of bodies. Hypothesis remembers what it tried until a run ends: runs are short, so memory is not its."""
HTTP_EVERY = 20
GUIDED_EVERY = 10
SLOW_SECONDS = 0.1
WARM_UP_SHARE = 0.2
MOST_GROWTH = 1.5
"""Memory at the end over memory after the warm-up. This is a size and no time, so no load of the machine changes it;
what is kept of each body would show as a multiple, while allocators waver by some percent."""


@dataclass(slots=True, kw_only=True)
class Course:
    """How a run went.

    Attributes:
        asked: bodies.
        slow: of these, those that took longer than ``SLOW_SECONDS`` for all three verbs.
        slowest_seconds: of any.
        resident: MiB after each batch.
    """

    asked: int = 0
    slow: int = 0
    slowest_seconds: float = 0.0
    resident: list[float] = field(default_factory=list)

    @property
    def warm(self) -> float:
        """MiB after the warm-up."""
        return self.resident[int(len(self.resident) * WARM_UP_SHARE)]

    def took(self, seconds: float) -> None:
        """Count a body."""
        self.asked += 1
        self.slow += seconds > SLOW_SECONDS
        self.slowest_seconds = max(self.slowest_seconds, seconds)


def fuzz(near: Asker, far: Asker, *, count: int, seed: int) -> Course:
    """Ask with bodies that Hypothesis invents.

    Args:
        near: is asked most.
        far: is asked one in ``HTTP_EVERY``.
        count: at least so many bodies.
        seed: the same bodies again for the same seed.

    Raises:
        AssertionError: an answer was unlawful.
    """
    course = Course()
    while course.asked < count:
        _one_batch(near, far, course, seed=seed + course.asked)
        course.resident.append(resident_mib())
    return course


def _one_batch(near: Asker, far: Asker, course: Course, *, seed: int) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(families())
    def ask(bodies: Bodies) -> None:
        for body in bodies:
            hypothesis.note(body)
            began = time.perf_counter()
            (far if course.asked % HTTP_EVERY == 0 else near).ask(body)
            course.took(time.perf_counter() - began)

    ask()


def resident_mib() -> float:
    """This process's resident memory now (proc(5), ``VmRSS``)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 2**10


def main() -> None:
    """Run, print what came of it, and fail where memory grew."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bodies", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    logging.disable()
    guided = given.bodies // GUIDED_EVERY
    with TemporaryDirectory() as directory:
        state = fill(Path(directory))
        with over_http(state) as far:
            near = in_process(state)
            course = fuzz(near, far, count=given.bodies - guided, seed=given.seed)
        print(f"Hypothesis: {course.asked} bodies; answers in process {near.statuses()}, over HTTP {far.statuses()}")
        print(
            f"{course.slow} took longer than {SLOW_SECONDS} s for all verbs, the slowest {course.slowest_seconds:.2f} s"
        )
        print(f"memory: {course.warm:.0f} MiB after the warm-up, {course.resident[-1]:.0f} MiB at the end", flush=True)
        assert course.resident[-1] < MOST_GROWTH * course.warm, "memory grew"
        arguments = [str(state), str(guided), str(given.seed)]
        subprocess.run([sys.executable, "-m", "tests.fuzz.guided_bodies", *arguments], check=True)
        print(f"atheris: {guided} bodies")


if __name__ == "__main__":
    main()
