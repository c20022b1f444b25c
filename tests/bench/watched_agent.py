"""One agent that is watched while it runs; ``agent_cost`` starts it in a process of its own.

    python -m tests.bench.watched_agent ROOT CASE STARTED

``ROOT`` holds the fabricated trees, ``CASE`` is an ``agent_cost.Case`` as JSON, ``STARTED`` the time of the start in
seconds since 1970. The last line of its output is an ``agent_cost.Cost`` as JSON.
"""

import json
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Event, Thread

from agent.main import run
from agent.own_process import own_process
from agent.sampling import beats_of
from agent.settings import AgentSettings, Roots
from agent.sources.perf import PerfSource
from agent.sources.registry import Origin
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology_sysfs import read_topology
from contracts.features import FEATURE_SCHEMA_V1
from tests.bench.cost import Case, Cost
from tests.bench.real_reads import SIXTEEN_EVENTS, FewerEvents, RealReads

NODE = "node-1"


class Watched:
    """The agent of one case, with a thread that looks at it from outside."""

    def __init__(self, root: Path, case: Case, *, started: float) -> None:
        self._case = case
        self._started = started
        self._reads = RealReads(remote_share=case.remote_share)
        self._stop = Event()
        self._core: PerfSource | None = None
        self._settings = AgentSettings(
            node=NODE,
            roots=Roots.under(root),
            state_directory=root / "state",
            sampling_period_seconds=case.period_seconds / case.haste,
            window_seconds=case.window_seconds / case.haste,
            remote_reads_per_second=1e6,
        )

    def run(self) -> Cost:
        """Run it to its end."""
        self._reads.stay_on_own_cpu()
        costs: list[Cost] = []
        watcher = Thread(target=lambda: costs.append(self._watch()))
        watcher.start()
        run(self._settings, stop=self._stop, origin_of=self._origin, environment={})
        watcher.join()
        return costs[0]

    def _origin(self, settings: AgentSettings) -> Origin:
        topology = read_topology(settings.roots)
        wanted = SIXTEEN_EVENTS if self._case.events == "sixteen" else FEATURE_SCHEMA_V1.events
        kernel = self._reads.kernel
        self._core = PerfSource(topology=topology, settings=settings, kernel=kernel)
        uncore = UncoreSource(topology=topology, settings=settings, kernel=kernel)
        sources = (
            FewerEvents(self._core, wanted, every_sample=self._case.every_sample),
            FewerEvents(uncore, wanted, every_sample=self._case.every_sample),
            ResctrlSource(topology=topology, settings=settings),
        )
        return Origin(settings=settings, topology=topology, sources=sources, beats=partial(beats_of, settings))

    def _watch(self) -> Cost:
        state = self._settings.state_directory / "nodestates" / f"{NODE}.json"
        while not state.exists():
            time.sleep(0.002)
        first_state_seconds = time.time() - self._started
        core = self._core
        assert core is not None
        before, reads, begun = time.process_time(), core.figures.interruptions, time.monotonic()
        time.sleep(self._case.windows * self._settings.window_seconds)
        spent = time.process_time() - before
        waited = time.monotonic() - begun
        figures = core.figures
        cost = Cost(
            share_of_a_core=spent / waited / self._case.haste,
            resident_mib=own_process().resident_bytes / 2**20,
            peak_mib=_peak_mib(),
            first_state_seconds=first_state_seconds,
            groups=figures.groups,
            descriptors=self._reads.open_now,
            interruptions_a_second=(figures.interruptions - reads) / waited / self._case.haste,
        )
        self._stop.set()
        return cost


def _peak_mib() -> float:
    """Resident memory at the most, since this program was loaded; ``ru_maxrss`` would begin with the parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10


def main() -> None:
    """As the module says."""
    root, case, started = sys.argv[1:]
    cost = Watched(Path(root), Case(**json.loads(case)), started=float(started)).run()
    print(json.dumps(asdict(cost)))


if __name__ == "__main__":
    main()
