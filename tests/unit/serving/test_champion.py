"""A champion changes by one rename, and a bad bundle never becomes one."""

import shutil
from pathlib import Path

import pytest

from serving.bundle_directory import write_bundle
from serving.champion import (
    adopt_champion,
    bundle_place,
    champion_path,
    install_champion,
    load_champion,
    prune_bundles,
    read_champion,
    sweep_unfinished,
    unfinished_bundle,
)
from serving.errors import BundleError, TornBundleError
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest
from tests.unit.serving.small_files import files_limited_to


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


def everything_in(state: Path) -> set[str]:
    return {str(path.relative_to(state)) for path in state.rglob("*")}


def test_installing_again_mends_a_bundle_that_was_damaged_on_disk(tmp_path: Path) -> None:
    digest = written(tmp_path / "made", "1")
    install_champion(tmp_path / "state", tmp_path / "made", model="leeward", version="1", digest=digest)
    whole = everything_in(tmp_path / "state")
    (bundle_place(tmp_path / "state", digest) / "manifest.json").write_bytes(b"{")
    install_champion(tmp_path / "state", tmp_path / "made", model="leeward", version="1", digest=digest)
    bundle = load_champion(tmp_path / "state")
    assert bundle is not None
    assert everything_in(tmp_path / "state") == whole


def test_a_bundle_that_lies_there_already_is_let_serve_again(tmp_path: Path) -> None:
    first, second = written(tmp_path / "first", "1"), written(tmp_path / "second", "2")
    for version, digest in (("1", first), ("2", second)):
        source = tmp_path / ("first" if version == "1" else "second")
        install_champion(tmp_path, source, model="leeward", version=version, digest=digest)
    adopt_champion(tmp_path, bundle_place(tmp_path, first), model="leeward", version="1", digest=first)
    bundle = load_champion(tmp_path)
    assert bundle is not None
    assert bundle.digest == first


def test_a_bad_bundle_leaves_nothing_half_written(tmp_path: Path) -> None:
    digest = written(tmp_path / "made", "1")
    with unfinished_bundle(tmp_path / "state") as directory:
        shutil.copytree(tmp_path / "made", directory, dirs_exist_ok=True)
        (directory / "manifest.json").write_bytes(b"{")
        with pytest.raises(TornBundleError):
            adopt_champion(tmp_path / "state", directory, model="leeward", version="1", digest=digest)
    assert everything_in(tmp_path / "state") == {"bundles"}


def test_what_a_killed_process_left_is_swept_and_bundles_stay(tmp_path: Path) -> None:
    digest = written(tmp_path / "made", "1")
    state = tmp_path / "state"
    install_champion(state, tmp_path / "made", model="leeward", version="1", digest=digest)
    whole = everything_in(state)
    (state / "bundles" / ".unfinished.x7f" / "bundle").mkdir(parents=True)
    (state / "bundles" / ".unfinished.x7f" / "bundle" / "manifest.json").write_bytes(b"{")
    (state / ".champion.json.q2").write_bytes(b"{")
    sweep_unfinished(state)
    assert everything_in(state) == whole


def test_there_may_be_nothing_to_sweep_or_prune(tmp_path: Path) -> None:
    sweep_unfinished(tmp_path / "none")
    prune_bundles(tmp_path / "none", keep=())
    assert not (tmp_path / "none").exists()


def test_bundles_but_those_to_keep_are_removed(tmp_path: Path) -> None:
    digests = [written(tmp_path / version, version) for version in ("1", "2", "3")]
    for version, digest in zip(("1", "2", "3"), digests, strict=True):
        install_champion(tmp_path, tmp_path / version, model="leeward", version=version, digest=digest)
    prune_bundles(tmp_path, keep=digests[1:])
    assert {path.name for path in (tmp_path / "bundles").iterdir()} == {
        digest.removeprefix("sha256:") for digest in digests[1:]
    }


def test_a_disk_that_takes_no_more_leaves_the_old_champion_and_nothing_half_written(tmp_path: Path) -> None:
    """A limit on the size of files fails a write as a full disk does, half-way."""
    state = tmp_path / "state"
    good, large = written(tmp_path / "good", "1"), written(tmp_path / "large", "2")
    install_champion(state, tmp_path / "good", model="leeward", version="1", digest=good)
    whole = everything_in(state)
    with files_limited_to(4096), pytest.raises(OSError, match="File too large"):
        install_champion(state, tmp_path / "large", model="leeward", version="2", digest=large)
    assert everything_in(state) == whole
    bundle = load_champion(state)
    assert bundle is not None
    assert bundle.digest == good
