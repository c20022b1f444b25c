"""All policies on all runs, and the report of it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from contracts.profile import WorkloadProfile
from eval.placement.demand import function_groups
from eval.placement.policy import PolicyName
from eval.placement.report import PLACEMENT_FILE, PlacementReport, PolicyRun
from eval.placement.runs import Run, draw_runs, play_run
from eval.placement.settings import PlacementSettings
from eval.placement.summary import placement_report
from eval.placement.unseen import prepare_state, profiles_of
from eval.placement.workers import Workers, workers
from eval.progress import Progress, silent
from eval.reports import write_report
from pipelines.dataset import TraceDataset, dataset_directory, read_dataset
from pipelines.settings import TrainingSettings

RUNS = "placement"
"""Directory below the state directory; each run has a state directory of its own in it."""

TRAINING = TrainingSettings(folds=4, workers=1)
"""Fewer folds than a champion's: calibration looks through models that saw less, so bounds are rather too wide, and a
bundle takes a third of the time."""

_BEGUN, _TRAINED = 0.02, 0.3
"""Shares of the work that are done when trainings begin, and after them."""

_LONGEST_FIRST = (PolicyName.LEEWARD, PolicyName.THRESHOLD, PolicyName.ORACLE, PolicyName.DEFAULT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Play:
    """A run, where it is played.

    Attributes:
        run: what comes.
        state: a state directory of its own.
        profiles: of all that comes.
        settings: paces.
    """

    run: Run
    state: Path
    profiles: tuple[WorkloadProfile, ...]
    settings: PlacementSettings

    def prepare(self, dataset: TraceDataset, training: TrainingSettings) -> None:
        """Train a champion that has not seen what comes."""
        self.state.mkdir(parents=True)
        prepare_state(self.state, dataset, self.run.unseen, settings=training)

    def under(self, name: PolicyName) -> PolicyRun:
        """Play it under one policy."""
        figures = play_run(self.run, name, profiles=self.profiles, state=self.state, settings=self.settings)
        return PolicyRun(policy=name, **asdict(figures))


def compare(
    state: Path,
    settings: PlacementSettings | None = None,
    *,
    training: TrainingSettings | None = None,
    progress: Progress | None = None,
) -> PlacementReport:
    """Place workloads that the bundle never saw, under four policies; the report goes to ``<state>/reports`` too.

    Args:
        state: the state directory, with the traces of a campaign.
        settings: what arrives; the defaults where absent.
        training: settings of the bundles that are trained without what arrives.
        progress: told what is being done.

    Raises:
        DataError: there are no traces, or too few groups to leave some out.
        EvaluationError: a workload has no profile.
        TestbedError: the testbed finds no equilibrium.
    """
    tell = progress or silent
    chosen = settings or PlacementSettings()
    tell("reading traces", 0.0)
    dataset = read_dataset(dataset_directory(state))
    directory = state / RUNS
    shutil.rmtree(directory, ignore_errors=True)
    plays = [
        _Play(
            run=run,
            state=directory / f"run-{number}",
            profiles=profiles_of(dataset, run.unseen),
            settings=chosen,
        )
        for number, run in enumerate(draw_runs(chosen, function_groups(dataset.profiles)), start=1)
    ]
    with workers(chosen.workers) as pool:
        _prepare(plays, dataset, training or TRAINING, pool=pool, tell=tell)
        played = _played(plays, pool=pool, tell=tell)
    runs = [play.run for play in plays]
    report = placement_report(runs, played, settings=chosen, training_data=dataset.digest)
    write_report(report, state, PLACEMENT_FILE)
    tell("placement compared", 1.0)
    return report


def _prepare(
    plays: Sequence[_Play], dataset: TraceDataset, training: TrainingSettings, *, pool: Workers, tell: Progress
) -> None:
    doing = "training without what will be placed"
    tell(doing, _BEGUN)
    calls = {index: partial(play.prepare, dataset, training) for index, play in enumerate(plays)}
    for done, _ in enumerate(pool.each(calls), start=1):
        tell(doing, _BEGUN + (_TRAINED - _BEGUN) * done / len(calls))


def _played(plays: Sequence[_Play], *, pool: Workers, tell: Progress) -> Mapping[tuple[int, PolicyName], PolicyRun]:
    """What came of each run, by its position, under each policy."""
    calls = {(index, name): partial(play.under, name) for name in _LONGEST_FIRST for index, play in enumerate(plays)}
    found: dict[tuple[int, PolicyName], PolicyRun] = {}
    tell("placing pods", _TRAINED)
    for (index, name), outcome in pool.each(calls):
        found[index, name] = outcome
        tell(f"placing pods: {name}", _TRAINED + (1.0 - _TRAINED) * len(found) / len(calls))
    return found
