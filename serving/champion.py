"""The champion in a state directory: bundles by digest, and one small file that says which of them serves.

<state>/champion.json          name, version and digest of the champion
<state>/bundles/<digest>/      verified bundles, never changed
"""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import ContractError
from contracts.model import Document
from contracts.nodestate import Digest
from serving.bundle_directory import Bundle, read_bundle
from serving.errors import BundleError
from serving.replacement import replace_file

CHAMPION_FILE = "champion.json"
BUNDLES = "bundles"

_UNFINISHED = ".unfinished."


class Champion(Document):
    """Which bundle serves: its registered model and version, and its digest."""

    model: str
    version: str
    digest: Digest


def champion_path(state: Path) -> Path:
    """The file whose replacement is a change of champion."""
    return state / CHAMPION_FILE


def read_champion(state: Path) -> Champion | None:
    """Who serves; ``None`` where nobody was promoted yet.

    Raises:
        BundleError: the file says something else.
    """
    path = champion_path(state)
    try:
        return Champion.from_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{path} can't be read: {error.strerror}; see who may read the state directory") from error
    except ContractError as error:
        raise BundleError(f"{path} is refused: {error}; promote a model again") from error


def load_champion(state: Path) -> Bundle | None:
    """The verified bundle that serves; ``None`` where nobody was promoted yet.

    Raises:
        BundleError: the champion's file or bundle is torn, altered, or of other contracts.
    """
    champion = read_champion(state)
    if champion is None:
        return None
    return read_bundle(bundle_place(state, champion.digest), expected_digest=champion.digest)


def install_champion(state: Path, source: Path, *, model: str, version: str, digest: str) -> Bundle:
    """Copy a bundle into the state directory and let it serve; a bad one is refused and the old one stays.

    Args:
        state: the state directory.
        source: the bundle's files.
        model, version: of the registry.
        digest: what the registry says of it.

    Raises:
        BundleError: the bundle is not the one meant, or can't be used.
        OSError: the state directory can't take it; the old one stays, and nothing half-written is left.
    """
    read_bundle(source, expected_digest=digest)
    with unfinished_bundle(state) as copy:
        shutil.copytree(source, copy, dirs_exist_ok=True)
        return adopt_champion(state, copy, model=model, version=version, digest=digest)


def adopt_champion(state: Path, directory: Path, *, model: str, version: str, digest: str) -> Bundle:
    """Let a bundle serve whose files lie in the state directory already.

    Args:
        state: the state directory.
        directory: what ``unfinished_bundle`` gave, which is moved to its place; or that place itself.
        model, version, digest: as of ``install_champion``, and so are the errors.
    """
    bundle = read_bundle(directory, expected_digest=digest)
    place = bundle_place(state, digest)
    if directory != place and not _is_usable(place, digest):
        _move(directory, place)
    replace_file(champion_path(state), Champion(model=model, version=version, digest=digest).to_json(indent=2) + b"\n")
    return bundle


@contextmanager
def unfinished_bundle(state: Path) -> Iterator[Path]:
    """An empty directory to put a bundle's files in; gone afterwards, but for what became champion."""
    bundles = state / BUNDLES
    bundles.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundles, prefix=_UNFINISHED) as surrounding:
        directory = Path(surrounding) / "bundle"
        directory.mkdir()
        directory.chmod(0o755)
        yield directory


def sweep_unfinished(state: Path) -> None:
    """Remove what a killed process left half-written; whoever installs meanwhile in another process has to try again.

    Raises:
        OSError: something can't be removed.
    """
    for left in (state / BUNDLES).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    for left in state.glob(f".{CHAMPION_FILE}.*"):
        left.unlink()


def prune_bundles(state: Path, *, keep: Collection[str]) -> None:
    """Remove all bundles but those of the digests to keep.

    Raises:
        OSError: one can't be removed.
    """
    kept = {bundle_place(state, digest) for digest in keep}
    for place in (state / BUNDLES).glob("[!.]*"):
        if place.is_dir() and place not in kept:
            shutil.rmtree(place)


def bundle_place(state: Path, digest: str) -> Path:
    """Where a bundle lies, or would."""
    return state / BUNDLES / digest.removeprefix("sha256:")


def _is_usable(place: Path, digest: str) -> bool:
    try:
        read_bundle(place, expected_digest=digest)
    except BundleError:
        return False
    return True


def _move(directory: Path, place: Path) -> None:
    """Flushed first: after a power cut the champion's file names a whole bundle, or the one before."""
    for path in (*directory.iterdir(), directory):
        _flush(path)
    if place.exists():
        shutil.rmtree(place)
    directory.rename(place)
    _flush(place.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
