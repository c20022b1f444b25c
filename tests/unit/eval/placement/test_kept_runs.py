from dataclasses import replace
from pathlib import Path

from eval.placement.kept_runs import KeptRuns, kept_runs
from eval.placement.policies import PolicyName
from eval.placement.report import PolicyRun
from eval.placement.settings import PlacementSettings
from pipelines.settings import TrainingSettings
from scheduler_extender.policy import LeewardPolicy, UnknownRegime

RUN = PolicyRun(
    policy=PolicyName.RANDOM,
    violated=0.1,
    worst_slowdown=2.0,
    p99_slowdown=1.5,
    hurt=3.0,
    pods_per_node=4.0,
    mean_excess=0.02,
    placed=70,
    refused=0,
    nodes_used=8.0,
    load=0.5,
)


def kept(state: Path, settings: PlacementSettings) -> KeptRuns:
    return kept_runs(state, settings, training=TrainingSettings(), training_data="sha256:1")


def test_what_was_played_is_found_again_by_run_and_policy(tmp_path: Path) -> None:
    runs = kept(tmp_path, PlacementSettings())
    assert runs.find(1, PolicyName.RANDOM) is None
    runs.keep(1, RUN)
    assert runs.find(1, PolicyName.RANDOM) == RUN
    assert runs.find(2, PolicyName.RANDOM) is None
    assert runs.find(1, PolicyName.ORACLE) is None


def test_more_runs_and_policies_go_on_where_fewer_ended_and_another_load_begins_anew(tmp_path: Path) -> None:
    settings = PlacementSettings()
    kept(tmp_path, settings).keep(1, RUN)
    more = replace(settings, repetitions=9, runs=25, policies=tuple(PolicyName), workers=1)
    assert kept(tmp_path, more).find(1, PolicyName.RANDOM) == RUN
    assert kept(tmp_path, replace(settings, load=0.6)).find(1, PolicyName.RANDOM) is None


def test_what_an_operator_decides_of_the_extender_is_played_apart(tmp_path: Path) -> None:
    settings = PlacementSettings()
    kept(tmp_path, settings).keep(1, RUN)
    other = replace(settings, leeward_policy=LeewardPolicy(unknown_regime=UnknownRegime.NEUTRAL))
    assert kept(tmp_path, other).find(1, PolicyName.RANDOM) is None
