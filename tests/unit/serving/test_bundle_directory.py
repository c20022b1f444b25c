"""A bundle is used only after every byte was checked."""

from pathlib import Path

import pytest

from contracts.bundle import MANIFEST_FILE, SUMS_FILE
from serving.bundle_directory import read_bundle, write_bundle
from serving.errors import BundleError
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

OTHER = "sha256:" + "0" * 64


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    return tmp_path / "bundle"


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    digest = write_bundle(tmp_path / "bundle", manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    bundle = read_bundle(tmp_path / "bundle", expected_digest=digest)
    assert (bundle.digest, bundle.manifest, bundle.profiles) == (digest, manifest(), PROFILES)
    assert bundle.graphs == graphs()


def test_sums_are_those_of_coreutils(directory: Path) -> None:
    import subprocess

    check = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS_FILE], cwd=directory, check=False, capture_output=True, text=True
    )
    assert check.returncode == 0, check.stderr


def test_another_bundle_than_asked_for_is_refused(directory: Path) -> None:
    with pytest.raises(BundleError, match=f"{OTHER} was asked for: fetch it again"):
        read_bundle(directory, expected_digest=OTHER)


@pytest.mark.parametrize("name", [MANIFEST_FILE, "regime-llc.onnx", "profiles.jsonl"])
def test_an_altered_file_is_refused_by_name(directory: Path, name: str) -> None:
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name} has SHA-256 .* says .*fetch the bundle again"):
        read_bundle(directory)


@pytest.mark.parametrize("name", [SUMS_FILE, MANIFEST_FILE, "slowdown-q90.onnx"])
def test_a_missing_file_is_refused_by_name(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(BundleError, match=name):
        read_bundle(directory)


def test_a_superfluous_file_is_refused(directory: Path) -> None:
    (directory / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(BundleError, match=r"disagree on model\.pkl"):
        read_bundle(directory)


def test_sums_that_name_a_path_are_refused(directory: Path) -> None:
    (directory / SUMS_FILE).write_text(f"{'0' * 64}  ../escape\n")
    with pytest.raises(BundleError, match=r"line 1 is .*escape"):
        read_bundle(directory)


def test_sums_cut_off_at_any_line_are_refused(directory: Path) -> None:
    lines = (directory / SUMS_FILE).read_bytes().splitlines(keepends=True)
    for kept in range(len(lines)):
        (directory / SUMS_FILE).write_bytes(b"".join(lines[:kept]))
        with pytest.raises(BundleError):
            read_bundle(directory)


def test_a_bundle_is_never_overwritten(directory: Path) -> None:
    with pytest.raises(BundleError, match="never changed"):
        write_bundle(directory, manifest=manifest(), graphs=graphs(), profiles=PROFILES)


def test_a_manifest_that_names_other_graphs_is_not_written(tmp_path: Path) -> None:
    lacking = {name: content for name, content in graphs().items() if name != "slowdown-q50.onnx"}
    with pytest.raises(BundleError, match=r"disagree on slowdown-q50\.onnx"):
        write_bundle(tmp_path / "bundle", manifest=manifest(), graphs=lacking, profiles=PROFILES)
    assert list(tmp_path.iterdir()) == []
