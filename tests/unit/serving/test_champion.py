"""A champion changes by one rename, and a bad bundle never becomes one."""

from pathlib import Path

import pytest

from serving.bundle_directory import write_bundle
from serving.champion import champion_path, install_champion, load_champion, read_champion
from serving.errors import BundleError
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest


def written(directory: Path, version: str) -> str:
    return write_bundle(directory, manifest=manifest(version=version), graphs=graphs(), profiles=PROFILES)


def test_nobody_serves_in_an_empty_state(tmp_path: Path) -> None:
    assert read_champion(tmp_path) is None
    assert load_champion(tmp_path) is None


def test_the_installed_bundle_serves(tmp_path: Path) -> None:
    digest = written(tmp_path / "made", "7")
    install_champion(tmp_path, tmp_path / "made", model="leeward", version="7", digest=digest)
    bundle = load_champion(tmp_path)
    assert bundle is not None
    assert (bundle.digest, bundle.manifest.version) == (digest, "7")


def test_the_next_champion_takes_over_and_the_former_is_kept(tmp_path: Path) -> None:
    first, second = written(tmp_path / "first", "1"), written(tmp_path / "second", "2")
    install_champion(tmp_path, tmp_path / "first", model="leeward", version="1", digest=first)
    install_champion(tmp_path, tmp_path / "second", model="leeward", version="2", digest=second)
    install_champion(tmp_path, tmp_path / "second", model="leeward", version="2", digest=second)
    champion = read_champion(tmp_path)
    assert champion is not None
    assert champion.digest == second
    assert len(list((tmp_path / "bundles").iterdir())) == 2


def test_a_bad_bundle_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good", "1"), written(tmp_path / "bad", "2")
    install_champion(tmp_path, tmp_path / "good", model="leeward", version="1", digest=good)
    before = champion_path(tmp_path).read_bytes()
    (tmp_path / "bad" / "regime-llc.onnx").write_bytes(b"torn")
    with pytest.raises(BundleError, match=r"regime-llc.onnx has SHA-256"):
        install_champion(tmp_path, tmp_path / "bad", model="leeward", version="2", digest=bad)
    assert champion_path(tmp_path).read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "bundles").iterdir()) == [good.removeprefix("sha256:")]


def test_a_torn_champion_file_is_refused(tmp_path: Path) -> None:
    champion_path(tmp_path).write_text('{"model": "leeward"')
    with pytest.raises(BundleError, match=r"champion.json is refused: .*promote a model again"):
        read_champion(tmp_path)
