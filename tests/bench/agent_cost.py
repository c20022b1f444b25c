"""What a whole agent costs on a large node: processor time, memory, and how soon it is heard of.

``python -m tests.bench.agent_cost`` prints the tables of ``docs/benchmarks.md``. Each line is an agent of its own, in a
process of its own, on a fabricated tree whose counters are real descriptors of this machine (``real_reads``).
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from serving.bundle_directory import Bundle, write_bundle
from serving.champion import install_champion
from tests.bench.cost import Case, Cost
from tests.unit.agent.machine_tree import Machine, add_resctrl, build
from tests.unit.serving import trained_regime

BUDGET_SHARE_OF_A_CORE = 0.005
BUDGET_MIB = 100.0
BUDGET_FIRST_STATE_SECONDS = 2.0
SOCKETS, THREADS = 2, 2


def measure(case: Case, *, model: Bundle | None = None) -> Cost:
    """Run one agent to its end.

    Args:
        case: what to run.
        model: the champion that judges; none where absent.

    Raises:
        RuntimeError: the agent failed; says what it wrote.
    """
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        _fabricate(root, case)
        if model is not None:
            _promote(model, root)
        started = time.time()
        finished = subprocess.run(
            [sys.executable, "-m", "tests.bench.watched_agent", str(root), json.dumps(asdict(case)), str(started)],
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise RuntimeError(f"the agent of {case} failed:\n{finished.stderr}")
        return Cost(**json.loads(finished.stdout.splitlines()[-1]))


def _fabricate(root: Path, case: Case) -> None:
    boxes = {} if case.events == "sixteen" else {"cha": 56, "imc": 8, "upi": 4, "iio": 12}
    roots = build(root, Machine(sockets=SOCKETS, cores=case.cpus // SOCKETS // THREADS, threads=THREADS, boxes=boxes))
    for socket in range(SOCKETS):
        add_resctrl(roots, "", domain=f"mon_L3_{socket:02d}", occupancy=50_000_000, total=10**12, local=10**12)


def _promote(model: Bundle, root: Path) -> None:
    made, state = root / "made", root / "state"
    state.mkdir()
    digest = write_bundle(made, manifest=model.manifest, graphs=model.graphs, profiles=())
    install_champion(state, made, model="leeward", version="1", digest=digest)


def main() -> None:
    """Print the budgeted case, then how costs grow."""
    model = trained_regime.bundle()
    budgeted = measure(Case(cpus=224), model=model)
    print("224 CPUs, 16 core events each, a sample a second, every other CPU remote, a model of eight axes judging:")
    _print_against("processor", budgeted.share_of_a_core * 100, BUDGET_SHARE_OF_A_CORE * 100, "% of a core")
    _print_against("memory", budgeted.peak_mib, BUDGET_MIB, "MiB at the most")
    _print_against("first NodeState", budgeted.first_state_seconds, BUDGET_FIRST_STATE_SECONDS, "s after the start")
    print()
    print("  CPUs  events  remote  core counters      groups  descriptors  interruptions/s  % of a core    MiB")
    for case in _cases():
        cost = measure(case, model=model)
        print(
            f"{case.cpus:6}  {case.events:>7}  {case.remote_share:5.0%}  "
            f"{'every sample' if case.every_sample else 'window ends':15} {cost.groups:9} {cost.descriptors:12} "
            f"{cost.interruptions_a_second:16.0f} {cost.share_of_a_core * 100:12.3f} {cost.peak_mib:6.0f}"
        )


def _print_against(what: str, found: float, budget: float, unit: str) -> None:
    print(f"  {what:16} {found:7.3f} {unit} (budget {budget:g}, {found / budget:.0%} of it)")


def _cases() -> list[Case]:
    hasty = partial(Case, haste=5.0, windows=3)
    growth = [hasty(cpus=cpus, events=events) for events in ("sixteen", "all") for cpus in (56, 112, 224, 448)]
    shares = [hasty(cpus=224, remote_share=share) for share in (0.0, 0.5)]
    plainer = [hasty(cpus=224, events=events, every_sample=True) for events in ("sixteen", "all")]
    return growth + shares + plainer


if __name__ == "__main__":
    main()
