"""An archive holds exactly one bundle, and what is anything else is refused before a file is written."""

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.bundle import SUMS_FILE, bundle_digest
from serving.bundle_archive import LARGEST_ARCHIVE_BYTES, archive_of, unpack_archive
from serving.bundle_directory import read_bundle, write_bundle
from serving.errors import BundleError, TornBundleError
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

TarForm = Literal[0, 1, 2]
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "bundle"
    write_bundle(directory, manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    return directory


@pytest.fixture(scope="module")
def archive(bundle: Path) -> bytes:
    return archive_of(bundle)


@pytest.fixture(scope="module")
def digest(bundle: Path) -> str:
    return bundle_digest((bundle / SUMS_FILE).read_bytes())


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "unpacked").mkdir()
    return tmp_path / "unpacked"


def refused(archive: bytes, directory: Path, digest: str, *, match: str) -> None:
    with pytest.raises(TornBundleError, match=match):
        unpack_archive(archive, directory, expected_digest=digest)
    assert list(directory.iterdir()) == []


def unpack_and_read(archive: bytes, directory: Path, digest: str) -> None:
    unpack_archive(archive, directory, expected_digest=digest)
    read_bundle(directory, expected_digest=digest)


def test_a_bundle_comes_out_as_it_went_in(archive: bytes, digest: str, bundle: Path, empty: Path) -> None:
    unpack_archive(archive, empty, expected_digest=digest)
    assert read_bundle(empty, expected_digest=digest) == read_bundle(bundle)


def test_tar_reads_it_with_the_sums_in_front(archive: bytes, bundle: Path) -> None:
    listed = subprocess.run(["tar", "tf", "-"], input=archive, capture_output=True, check=True).stdout.decode()
    assert listed.split() == [SUMS_FILE, *sorted(path.name for path in bundle.iterdir() if path.name != SUMS_FILE)]


def test_the_same_bundle_is_the_same_bytes_wherever_it_lies(archive: bytes, tmp_path: Path) -> None:
    write_bundle(tmp_path / "again", manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    assert archive_of(tmp_path / "again") == archive


@given(data=st.data())
@SHARED
def test_one_that_was_cut_off_is_refused_wherever(
    archive: bytes, digest: str, empty: Path, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, len(archive) - 1))
    refused(archive[:kept], empty, digest, match=r"torn|no file's header")


@given(data=st.data())
@SHARED
def test_one_altered_byte_is_refused_or_found_by_its_sum(
    archive: bytes, digest: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(archive) - 1))
    altered = bytearray(archive)
    altered[place] ^= data.draw(st.integers(1, 255))
    directory = tmp_path_factory.mktemp("altered")
    with pytest.raises(TornBundleError):
        unpack_and_read(bytes(altered), directory, digest)


@given(data=st.binary(max_size=2048))
@SHARED
def test_noise_is_refused(digest: str, empty: Path, data: bytes) -> None:
    refused(data, empty, digest, match=r"archive")


def test_what_goes_on_behind_its_end_is_refused(archive: bytes, digest: str, empty: Path) -> None:
    refused(archive + bytes(512), empty, digest, match=r"no file's header")


def test_another_bundles_archive_is_refused(archive: bytes, empty: Path) -> None:
    refused(archive, empty, "sha256:" + "0" * 64, match="not that of bundle sha256:0000")


def with_member(
    archive: bytes,
    change: Callable[[tarfile.TarInfo], None],
    content: bytes = b"",
    *,
    form: TarForm = tarfile.USTAR_FORMAT,
) -> bytes:
    """The archive with one more member in front of its end."""
    member = tarfile.TarInfo("extra")
    member.size = len(content)
    change(member)
    padded = content + bytes(-len(content) % 512)
    return archive[:-1024] + member.tobuf(format=form) + padded + bytes(1024)


def named(name: str) -> Callable[[tarfile.TarInfo], None]:
    return lambda member: setattr(member, "name", name)


def typed(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    return lambda member: setattr(member, "type", kind)


def sized(size: int) -> Callable[[tarfile.TarInfo], None]:
    return lambda member: setattr(member, "size", size)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/b", ".", "..", ".hidden", "a\\b", "", "ü", "-rf", "a b", "a\nb"]
)
def test_a_name_that_is_no_flat_name_is_refused(archive: bytes, digest: str, empty: Path, name: str) -> None:
    refused(with_member(archive, named(name)), empty, digest, match=r"plain files alone|no file's header")


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.DIRTYPE,
        tarfile.FIFOTYPE,
        tarfile.CHRTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
    ],
    ids=lambda kind: f"type {kind.decode()}",
)
def test_what_is_no_plain_file_is_refused(archive: bytes, digest: str, empty: Path, kind: bytes) -> None:
    refused(with_member(archive, typed(kind)), empty, digest, match="plain files alone are meant")


@pytest.mark.parametrize("size", [513, 4096, LARGEST_ARCHIVE_BYTES])
def test_a_size_that_is_not_there_is_refused(archive: bytes, digest: str, empty: Path, size: int) -> None:
    refused(with_member(archive, sized(size), b"few"), empty, digest, match="torn in extra|no file's header")


@pytest.mark.parametrize("size", [1 << 33, 1 << 62, -512])
def test_a_size_that_no_bundle_has_is_refused(archive: bytes, digest: str, empty: Path, size: int) -> None:
    beyond_ustar = with_member(archive, sized(size), b"few", form=tarfile.GNU_FORMAT)
    refused(beyond_ustar, empty, digest, match="plain files alone are meant")


def test_a_file_that_the_sums_do_not_name_is_refused(archive: bytes, digest: str, empty: Path) -> None:
    refused(with_member(archive, named("model.pkl"), b"\x80\x04."), empty, digest, match=r"disagree on model\.pkl")


def test_a_file_that_is_there_twice_is_refused(archive: bytes, digest: str, empty: Path) -> None:
    refused(with_member(archive, named("manifest.json"), b"{}"), empty, digest, match="manifest.json twice")


def test_a_file_that_is_missing_is_refused(archive: bytes, bundle: Path, digest: str, empty: Path) -> None:
    size = (bundle / SUMS_FILE).stat().st_size
    sums_alone = archive[: 512 + size + -size % 512] + bytes(1024)
    refused(sums_alone, empty, digest, match=r"disagree on manifest\.json")


def test_something_hidden_behind_a_files_end_is_refused(archive: bytes, bundle: Path, digest: str, empty: Path) -> None:
    hidden = bytearray(archive)
    hidden[512 + (bundle / SUMS_FILE).stat().st_size] = 1
    refused(bytes(hidden), empty, digest, match=f"torn in {SUMS_FILE}")


def test_a_bundle_that_no_node_accepts_is_not_sent(bundle: Path, tmp_path: Path) -> None:
    files = graphs() | {"regime-llc.onnx": bytes(LARGEST_ARCHIVE_BYTES)}
    write_bundle(tmp_path / "large", manifest=manifest(), graphs=files, profiles=PROFILES)
    with pytest.raises(BundleError, match=r"nodes accept 16777216: train smaller models"):
        archive_of(tmp_path / "large")


def test_a_bundle_without_one_of_its_files_is_not_sent(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    (tmp_path / "bundle" / "regime-llc.onnx").unlink()
    with pytest.raises(BundleError, match=r"can't be sent: .*regime-llc.onnx"):
        archive_of(tmp_path / "bundle")
