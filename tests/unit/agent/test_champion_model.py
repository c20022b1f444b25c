from pathlib import Path

import pytest

from agent.champion_model import LOOK_AGAIN_SECONDS, REFUSED, ChampionModel
from agent.troubles import Troubles
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from serving.bundle_directory import write_bundle
from serving.champion import bundle_place, champion_path, install_champion
from tests.unit.agent.logged import logged_events
from tests.unit.agent.test_regime import vector
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest


def promote(state: Path, version: str) -> str:
    """Install a bundle as champion; returns its digest."""
    source = state / f"made-{version}"
    digest = write_bundle(source, manifest=manifest(version=version), graphs=graphs(), profiles=PROFILES)
    install_champion(state, source, model="leeward", version=version, digest=digest)
    return digest


def test_without_a_champion_there_is_no_model(tmp_path: Path) -> None:
    model = ChampionModel(tmp_path)
    model.refresh()
    assert (model.predictor, model.digest) == (None, None)


def test_a_champion_is_picked_up_when_it_comes_and_when_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ChampionModel(tmp_path)
    model.refresh()
    for version in ("1", "2"):
        digest = promote(tmp_path, version)
        with logged_events() as events:
            model.refresh()
            model.refresh()
        assert [(event.name, event.fields["version"]) for event in events] == [("champion-loaded", version)]
        assert model.digest == digest
    assert model.predictor is not None
    assert set(model.predictor.probabilities(vector().values)) == {Axis.LLC}
    assert len(vector().values) == len(FEATURE_SCHEMA_V1)


class Clock:
    """Steps when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def damage(state: Path, digest: str) -> None:
    model = bundle_place(state, digest) / "regime-llc.onnx"
    content = model.read_bytes()
    model.write_bytes(content[: len(content) // 2])


def test_a_truncated_bundle_is_refused_once_and_the_old_one_stays(tmp_path: Path) -> None:
    good = promote(tmp_path, "1")
    troubles = Troubles()
    model = ChampionModel(tmp_path, troubles=troubles)
    model.refresh()
    kept = model.predictor
    bad = promote(tmp_path, "2")
    damage(tmp_path, bad)
    with logged_events() as events:
        model.refresh()
        model.refresh()
    assert [event.name for event in events] == [REFUSED]
    (trouble,) = troubles.present
    assert "regime-llc.onnx has SHA-256" in trouble.sentence
    assert f"bundle {good} serves on" in trouble.sentence
    assert (model.predictor, model.digest) == (kept, good)


def test_a_refused_champion_that_is_mended_is_taken_and_said_to_be_well(tmp_path: Path) -> None:
    troubles = Troubles()
    model = ChampionModel(tmp_path, troubles=troubles)
    bad = promote(tmp_path, "1")
    damage(tmp_path, bad)
    model.refresh()
    assert "every regime is unknown" in troubles.present[0].sentence
    install_champion(tmp_path, tmp_path / "made-1", model="leeward", version="1", digest=bad)
    with logged_events() as events:
        model.refresh()
    assert [event.name for event in events] == ["champion-loaded", "model-refused-passed"]
    assert (model.digest, troubles.present) == (bad, ())


def test_a_refused_champion_is_looked_at_again_now_and_then(tmp_path: Path) -> None:
    """Its file is not replaced, but what was in the way has gone."""
    clock, troubles = Clock(), Troubles()
    model = ChampionModel(tmp_path, troubles=troubles, clock=clock)
    digest = promote(tmp_path, "1")
    graph = bundle_place(tmp_path, digest) / "regime-llc.onnx"
    graph.rename(tmp_path / "aside")
    model.refresh()
    (tmp_path / "aside").rename(graph)
    model.refresh()
    assert (model.digest, dict(troubles.counts)) == (None, {REFUSED: 1})
    clock.seconds = LOOK_AGAIN_SECONDS
    model.refresh()
    assert (model.digest, troubles.present) == (digest, ())


def test_a_torn_champion_file_is_refused_and_its_successor_taken(tmp_path: Path) -> None:
    troubles = Troubles()
    model = ChampionModel(tmp_path, troubles=troubles)
    champion_path(tmp_path).write_text('{"model": ')
    model.refresh()
    assert model.predictor is None
    assert "champion.json is refused" in troubles.present[0].sentence
    digest = promote(tmp_path, "1")
    model.refresh()
    assert (model.digest, troubles.present) == (digest, ())


def test_an_unreadable_champion_file_is_refused(tmp_path: Path) -> None:
    champion_path(tmp_path).mkdir()
    troubles = Troubles()
    ChampionModel(tmp_path, troubles=troubles).refresh()
    assert [trouble.name for trouble in troubles.present] == [REFUSED]


def test_a_state_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    troubles = Troubles()
    ChampionModel(tmp_path / "file", troubles=troubles).refresh()
    assert [trouble.name for trouble in troubles.present] == [REFUSED]


def test_a_champion_that_is_taken_away_is_given_up(tmp_path: Path) -> None:
    promote(tmp_path, "1")
    model = ChampionModel(tmp_path)
    model.refresh()
    champion_path(tmp_path).unlink()
    model.refresh()
    assert (model.predictor, model.digest) == (None, None)
