"""The registry as the watch sees it: who serves, who else there is, what the gate said, and the way back."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from contracts.model import Document
from contracts.nodestate import Digest
from eval.watch.errors import WatchError
from pipelines.aliases import champions
from pipelines.draft import MODEL_NAME
from pipelines.registry import RegistryPlace
from pipelines.rollback import roll_back
from pipelines.versions import all_versions, one_version
from serving.bundle_directory import Bundle, read_bundle
from serving.champion import bundle_place, read_champion
from serving.errors import BundleError
from serving.mlflow_champion import BUNDLE_ARTIFACT, digest_of, download, pull_champion, registry_asked, registry_client

REASON_TAG = "leeward.rollback_reason"
"""Of a version that was sent back: why."""


class Served(Document):
    """Who serves."""

    version: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate said of a version; ``asked`` is false where nobody asked it yet."""

    version: str
    digest: str
    asked: bool
    promoted: bool
    refusals: tuple[str, ...]


class Models(Protocol):
    """The registry."""

    def champion(self) -> Served | None:
        """Who serves; ``None`` where nobody does. Raises ``BundleError`` where the registry can't be asked."""

    def bundle(self, digest: str) -> Bundle | None:
        """A bundle by its digest; ``None`` where it is nowhere any more."""

    def versions(self) -> tuple[str, ...]:
        """Numbers of all versions, in any order."""

    def verdict(self, version: str) -> Verdict:
        """What the gate said."""

    def go_back(self, *, left: Served, to: Served, reason: str) -> None:
        """Let ``to`` serve again instead of ``left``; where it does already, nothing moves.

        Raises ``WatchError`` where neither serves, or ``to`` is not the champion before.
        """


class RegistryModels:
    """MLflow, and bundles in a state directory.

    Args:
        state: where the champion is installed.
        place: of the registry.
    """

    def __init__(self, state: Path, place: RegistryPlace) -> None:
        self._state, self._place = state, place

    def champion(self) -> Served | None:
        """See ``Models``; whoever the alias names is installed in the state directory."""
        if not self._exists():
            return None
        pull_champion(self._state, tracking_uri=self._place.tracking_uri)
        found = read_champion(self._state)
        return None if found is None else Served(version=found.version, digest=found.digest)

    def bundle(self, digest: str) -> Bundle | None:
        """See ``Models``: from the state directory, else from the registry."""
        try:
            return read_bundle(bundle_place(self._state, digest), expected_digest=digest)
        except BundleError:
            return self._fetched(digest)

    def versions(self) -> tuple[str, ...]:
        """See ``Models``."""
        return tuple(version.version for version in all_versions(self._place)) if self._exists() else ()

    def verdict(self, version: str) -> Verdict:
        """See ``Models``."""
        detail = one_version(self._place, version)
        decision = detail.decision
        return Verdict(
            version=version,
            digest=detail.summary.digest,
            asked=decision is not None,
            promoted=decision is not None and decision.promoted,
            refusals=() if decision is None else tuple(decision.refusals),
        )

    def go_back(self, *, left: Served, to: Served, reason: str) -> None:
        """See ``Models``; the reason goes to the version that is left, as a tag."""
        client = registry_client(self._place.tracking_uri)
        with registry_asked(f"who was champion of {MODEL_NAME}"):
            served = champions(client)
        if served[-1:] != (to.version,):
            if served[-2:] != (to.version, left.version):
                raise WatchError(
                    f"version {left.version} was to go back to {to.version}, and the champions were "
                    f"{', '.join(served) or 'none'}: somebody else has moved the alias; nothing was done"
                )
            with registry_asked(f"to say why version {left.version} goes"):
                client.set_model_version_tag(MODEL_NAME, left.version, REASON_TAG, reason)
            roll_back(self._state, self._place)
        pull_champion(self._state, tracking_uri=self._place.tracking_uri)

    def _exists(self) -> bool:
        """Whether there is a registry: MLflow would make an empty one on sqlite."""
        uri = self._place.tracking_uri
        return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()

    def _fetched(self, digest: str) -> Bundle | None:
        known = [version for version in all_versions(self._place) if version.digest == digest] if self._exists() else []
        if not known:
            return None
        client = registry_client(self._place.tracking_uri)
        with TemporaryDirectory() as directory:
            try:
                with registry_asked(f"for version {known[0].version}"):
                    version = client.get_model_version(MODEL_NAME, known[0].version)
                files = download(client, version, BUNDLE_ARTIFACT, Path(directory))
                return read_bundle(files, expected_digest=digest_of(version))
            except BundleError:
                return None
