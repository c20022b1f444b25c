"""The champion in a state directory: bundles by digest, and one small file that says which of them serves.

<state>/champion.json          name, version and digest of the champion
<state>/bundles/<digest>/      verified bundles, never changed
"""

import shutil
import tempfile
from pathlib import Path

from contracts.bundle import SUMS_FILE
from contracts.errors import ContractError
from contracts.model import Document
from contracts.nodestate import Digest
from serving.bundle_directory import Bundle, read_bundle
from serving.errors import BundleError
from serving.replacement import replace_file

CHAMPION_FILE = "champion.json"
BUNDLES = "bundles"


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
    return read_bundle(_place(state, champion.digest), expected_digest=champion.digest)


def install_champion(state: Path, source: Path, *, model: str, version: str, digest: str) -> Bundle:
    """Take a bundle over into the state directory and let it serve; a bad one is refused and the old one stays.

    Args:
        state: the state directory.
        source: the bundle's files.
        model, version: of the registry.
        digest: what the registry says of it.

    Raises:
        BundleError: the bundle is not the one meant, or can't be used.
    """
    bundle = read_bundle(source, expected_digest=digest)
    place = _place(state, digest)
    if not (place / SUMS_FILE).exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix=".unfinished."))
        unfinished.chmod(0o755)
        shutil.copytree(source, unfinished, dirs_exist_ok=True)
        read_bundle(unfinished, expected_digest=digest)
        unfinished.rename(place)
    replace_file(champion_path(state), Champion(model=model, version=version, digest=digest).to_json(indent=2) + b"\n")
    return bundle


def _place(state: Path, digest: str) -> Path:
    return state / BUNDLES / digest.removeprefix("sha256:")
