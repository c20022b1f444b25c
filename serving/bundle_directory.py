"""A bundle as files: written whole, and read only after every byte was checked against its digest."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.bundle import (
    MANIFEST_FILE,
    PROFILES_FILE,
    SUMS_FILE,
    Manifest,
    bundle_digest,
    format_sums,
    parse_sums,
)
from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from serving.errors import BundleError, TornBundleError

_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""What is not there is torn; what can't be read now, for want of descriptors say, may be whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A verified bundle in memory: what is used is what was checked.

    Attributes:
        digest: of its ``SHA256SUMS``.
        manifest: as read.
        profiles: the snapshot of known workloads.
        graphs: file name to ONNX bytes.
    """

    digest: str
    manifest: Manifest
    profiles: tuple[WorkloadProfile, ...]
    graphs: Mapping[str, bytes]


def read_bundle(directory: Path, *, expected_digest: str | None = None) -> Bundle:
    """Read and verify a bundle.

    Args:
        directory: holds ``SHA256SUMS`` and exactly the files that it names.
        expected_digest: what the bundle was asked for by, if it was.

    Raises:
        TornBundleError: a file is missing, superfluous or altered, or the bundle is another than was asked for.
        BundleError: a file can't be read, or the bundle breaks the contract.
    """
    sums = _content(directory / SUMS_FILE)
    digest = bundle_digest(sums)
    if expected_digest is not None and digest != expected_digest:
        raise TornBundleError(f"bundle in {directory} is {digest}, {expected_digest} was asked for: fetch it again")
    try:
        wanted = parse_sums(sums)
        contents = _verified(directory, wanted)
        manifest = Manifest.from_json(contents.pop(MANIFEST_FILE))
        profiles = _profiles(contents.pop(PROFILES_FILE, b""))
    except ContractError as error:
        raise BundleError(f"bundle in {directory} is refused: {error}") from error
    _refuse_other_graphs(directory, manifest, contents)
    return Bundle(digest=digest, manifest=manifest, profiles=profiles, graphs=contents)


def write_bundle(
    directory: Path, *, manifest: Manifest, graphs: Mapping[str, bytes], profiles: Iterable[WorkloadProfile]
) -> str:
    """Write a bundle beside and rename it into place, so that a reader never sees half of one.

    Args:
        directory: must not exist yet; its parent is made.
        manifest: names exactly the files of ``graphs``.
        graphs: file name to ONNX bytes.
        profiles: the snapshot of known workloads.

    Returns:
        The bundle's digest.

    Raises:
        BundleError: the directory exists, or manifest and graphs name different files.
    """
    if directory.exists():
        raise BundleError(f"{directory} exists: a bundle is never changed, write a new one elsewhere")
    _refuse_other_graphs(directory, manifest, graphs)
    contents = {
        MANIFEST_FILE: manifest.to_json(indent=2) + b"\n",
        PROFILES_FILE: b"".join(profile.to_json() + b"\n" for profile in profiles),
        **graphs,
    }
    sums = format_sums({name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        unfinished.chmod(0o755)
        for name, content in {**contents, SUMS_FILE: sums}.items():
            _write_through(unfinished / name, content)
        unfinished.rename(directory)
    except OSError:
        shutil.rmtree(unfinished)
        raise
    return bundle_digest(sums)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        kind = TornBundleError if isinstance(error, _NOT_THERE) else BundleError
        raise kind(f"bundle file {path} can't be read: {error.strerror}; fetch the bundle again") from error


def _verified(directory: Path, wanted: Mapping[str, str]) -> dict[str, bytes]:
    found = {path.name for path in directory.iterdir()} - {SUMS_FILE}
    if found != wanted.keys():
        odd = ", ".join(sorted(found ^ wanted.keys()))
        raise TornBundleError(f"bundle in {directory} and its {SUMS_FILE} disagree on {odd}: fetch the bundle again")
    contents = {}
    for name, digest in wanted.items():
        content = _content(directory / name)
        actual = hashlib.sha256(content).hexdigest()
        if actual != digest:
            raise TornBundleError(
                f"bundle file {directory / name} has SHA-256 {actual}, {SUMS_FILE} says {digest}: it was altered or "
                "torn; fetch the bundle again"
            )
        contents[name] = content
    return contents


def _profiles(content: bytes) -> tuple[WorkloadProfile, ...]:
    return tuple(WorkloadProfile.from_json(line) for line in content.splitlines())


def _refuse_other_graphs(directory: Path, manifest: Manifest, graphs: Mapping[str, bytes]) -> None:
    named = {graph.file for graph in manifest.graphs}
    if named != graphs.keys():
        odd = ", ".join(sorted(named ^ graphs.keys()))
        raise BundleError(f"bundle in {directory}: manifest and files disagree on {odd}: build it again")
