from pathlib import Path

import pytest

from agent.champion_model import ChampionModel
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from serving.bundle_directory import write_bundle
from serving.champion import champion_path, install_champion
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


def test_a_bad_champion_is_refused_once_and_the_old_one_stays(tmp_path: Path) -> None:
    good = promote(tmp_path, "1")
    model = ChampionModel(tmp_path)
    model.refresh()
    kept = model.predictor
    bad = promote(tmp_path, "2")
    (tmp_path / "bundles" / bad.removeprefix("sha256:") / "regime-llc.onnx").write_bytes(b"altered")
    with logged_events() as events:
        model.refresh()
        model.refresh()
    assert [(event.name, event.fields["serving"]) for event in events] == [("champion-refused", good)]
    assert "regime-llc.onnx" in str(events[0].fields["error"])
    assert (model.predictor, model.digest) == (kept, good)


def test_a_torn_champion_file_is_refused_and_its_successor_taken(tmp_path: Path) -> None:
    model = ChampionModel(tmp_path)
    champion_path(tmp_path).write_text('{"model": ')
    model.refresh()
    assert model.predictor is None
    digest = promote(tmp_path, "1")
    model.refresh()
    assert model.digest == digest


def test_an_unreadable_champion_file_is_refused(tmp_path: Path) -> None:
    champion_path(tmp_path).mkdir()
    model = ChampionModel(tmp_path)
    with logged_events() as events:
        model.refresh()
    assert [event.name for event in events] == ["champion-refused"]


def test_a_champion_that_is_taken_away_is_given_up(tmp_path: Path) -> None:
    promote(tmp_path, "1")
    model = ChampionModel(tmp_path)
    model.refresh()
    champion_path(tmp_path).unlink()
    model.refresh()
    assert (model.predictor, model.digest) == (None, None)
