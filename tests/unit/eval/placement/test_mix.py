import pytest

from eval.errors import EvaluationError
from eval.placement.mix import Mix
from eval.placement.policies import PolicyName
from eval.placement.settings import settings_for
from eval.testbed.catalogue import WORKLOADS, workload


@pytest.mark.parametrize("mix", list(Mix))
def test_every_mix_takes_workloads_of_several_groups(mix: Mix) -> None:
    assert len({known.group for known in WORKLOADS if mix.takes(known)}) >= 5


def test_nobody_is_light_and_heavy_at_once() -> None:
    for known in WORKLOADS:
        assert sum(mix.takes(known) for mix in (Mix.CACHE_HEAVY, Mix.MEMORY_HEAVY, Mix.LIGHT)) <= 1


def test_mixes_take_what_their_names_say() -> None:
    assert Mix.FUNCTIONS.takes(workload("upf-large"))
    assert not Mix.FUNCTIONS.takes(workload("sql"))
    assert Mix.CACHE_HEAVY.takes(workload("load-balancer"))
    assert Mix.MEMORY_HEAVY.takes(workload("llm"))
    assert Mix.LIGHT.takes(workload("cu-up"))
    assert [mix for mix in Mix if mix.has_background] == [Mix.MIXED, Mix.FUNCTIONS_AND_BATCH]


def test_flags_become_settings() -> None:
    settings = settings_for(mix="light", policies="default, oracle", nodes=32, pods=500, seeds=20, load=0.6)
    assert settings.policies == (PolicyName.DEFAULT, PolicyName.ORACLE)
    assert (settings.runs, settings.parts * settings.repetitions, settings.gap_seconds) == (20, 20, 12.5)
    assert settings_for(mix="light", policies="", nodes=1, pods=5, seeds=2, load=0.6).policies == tuple(PolicyName)


@pytest.mark.parametrize(
    ("mix", "policies", "complaint"),
    [
        ("heavy", "", "no mix is called 'heavy'"),
        ("light", "default,best", "no policy is called 'best'"),
        ("light", "oracle", "default among them"),
        ("light", "default,default", "each once"),
    ],
)
def test_what_there_is_not_is_refused(mix: str, policies: str, complaint: str) -> None:
    with pytest.raises(EvaluationError, match=complaint):
        settings_for(mix=mix, policies=policies, nodes=8, pods=50, seeds=4, load=0.5)
