"""All policies on all runs, and the report of it."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from contracts.profile import WorkloadProfile
from eval.placement.demand import function_groups
from eval.placement.kept_runs import KeptRuns, kept_runs
from eval.placement.policies import PolicyName
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
from serving.champion import champion_path

RUNS = "placement"
"""Directory below the state directory; each part has a state directory of its own in it, with its bundle."""

TRAINING = TrainingSettings(folds=4, workers=1)
"""Fewer folds than a champion's: calibration looks through models that saw less, so bounds are rather too wide, and a
bundle takes a third of the time."""

_BEGUN, _TRAINED = 0.02, 0.3
"""Shares of the work that are done when trainings begin, and after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Play:
    """A run, where it is played.

    Attributes:
        run: what comes.
        state: the state directory of its part.
        number: of the run, from 1 up.
        profiles: of all that comes.
        settings: paces.
    """

    run: Run
    state: Path
    number: int
    profiles: tuple[WorkloadProfile, ...]
    settings: PlacementSettings

    def prepare(self, dataset: TraceDataset, training: TrainingSettings) -> None:
        """Train a champion that has not seen what comes."""
        shutil.rmtree(self.state, ignore_errors=True)
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
    resume: bool = False,
    progress: Progress | None = None,
) -> PlacementReport:
    """Place workloads that the bundle never saw, under several policies; the report goes to ``<state>/reports`` too.

    Arguments and errors are those of ``compared``.
    """
    report = compared(state, settings, training=training, resume=resume, progress=progress)
    write_report(report, state, PLACEMENT_FILE)
    return report


def compared(
    state: Path,
    settings: PlacementSettings | None = None,
    *,
    training: TrainingSettings | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> PlacementReport:
    """The same without writing the report down.

    Args:
        state: the state directory, with the traces of a campaign.
        settings: what arrives; the defaults where absent.
        training: settings of the bundles that are trained without what arrives.
        resume: what the same settings, traces and training have led to before is not played again. The code may be
            another one since: delete ``<state>/reports/placement`` and ``<state>/placement`` then.
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
    how = training or TRAINING
    kept = kept_runs(state, chosen, training=how, training_data=dataset.digest)
    directory = state / RUNS
    if not resume:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(kept.directory, ignore_errors=True)
    taken = frozenset(function_groups(dataset.profiles, mix=chosen.mix))
    runs = draw_runs(chosen, function_groups(dataset.profiles), taken=taken)
    plays = [
        _Play(
            run=run,
            state=directory / part_name(run, training=how, training_data=dataset.digest),
            number=number,
            profiles=profiles_of(dataset, run.unseen),
            settings=chosen,
        )
        for number, run in enumerate(runs, start=1)
    ]
    with workers(chosen.workers) as pool:
        if any(policy.needs_champion for policy in chosen.policies):
            _prepare(plays, dataset, how, pool=pool, tell=tell)
        played = _played(plays, chosen.policies, kept, pool=pool, tell=tell)
    report = placement_report(runs, played, settings=chosen, training_data=dataset.digest)
    tell("placement compared", 1.0)
    return report


def part_name(run: Run, *, training: TrainingSettings, training_data: str) -> str:
    """Name of the directory of a run's bundle; another one where the bundle would be another one."""
    told = json.dumps([training.model_dump(mode="json"), training_data, sorted(run.unseen)], sort_keys=True)
    return f"part-{run.part + 1}-{sha256(told.encode()).hexdigest()[:12]}"


def _prepare(
    plays: Sequence[_Play], dataset: TraceDataset, training: TrainingSettings, *, pool: Workers, tell: Progress
) -> None:
    doing = "training without what will be placed"
    tell(doing, _BEGUN)
    one_a_part = {play.state: play for play in plays if not champion_path(play.state).exists()}
    calls = {part: partial(play.prepare, dataset, training) for part, play in one_a_part.items()}
    for done, _ in enumerate(pool.each(calls), start=1):
        tell(doing, _BEGUN + (_TRAINED - _BEGUN) * done / len(calls))


def _played(
    plays: Sequence[_Play], policies: Sequence[PolicyName], kept: KeptRuns, *, pool: Workers, tell: Progress
) -> Mapping[tuple[int, PolicyName], PolicyRun]:
    """What came of each run, by its position, under each policy; run after run, so that what was killed is paired."""
    found: dict[tuple[int, PolicyName], PolicyRun] = {}
    calls = {}
    for index, play in enumerate(plays):
        for name in policies:
            known = kept.find(play.number, name)
            if known is None:
                calls[index, name] = partial(play.under, name)
            else:
                found[index, name] = known
    tell("placing pods", _TRAINED)
    for (index, name), outcome in pool.each(calls):
        found[index, name] = outcome
        kept.keep(plays[index].number, outcome)
        tell(f"placing pods: {name}", _TRAINED + (1.0 - _TRAINED) * len(found) / (len(plays) * len(policies)))
    return found
