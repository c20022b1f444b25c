"""The ports on a state directory.

<state>/nodestates/<node>.json   a NodeState
<state>/pods/<uid>.json          a Pod as Kubernetes gives it
<state>/profiles/<any>.json      a workload profile newer than the champion's snapshot, see serving.published_profile
<state>/observed/<name>.json     what a workload has shown against a bundle, see serving.observed_workload
<state>/champion.json            which bundle serves, see serving.champion
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic

from contracts.errors import ContractError
from contracts.nodestate import NodeState
from contracts.profile import WorkloadProfile
from scheduler_extender.errors import ExtenderError, OtherContractError
from scheduler_extender.node_state import read_node_state
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.sources import Champion, Change, Changes, Refusal, T
from serving.bound_model import BoundModel
from serving.bundle_directory import Bundle
from serving.champion import BUNDLES, champion_path, load_champion
from serving.errors import BundleError
from serving.observed_workload import ObservedWorkload, observed_directory
from serving.published_profile import profiles_directory

NODE_STATES = "nodestates"
PODS = "pods"
SUFFIX = ".json"

Signature = tuple[int, int, int, int]
"""What tells one content of a file from the next: inode, size, times of writing and of change in nanoseconds."""


class DirectorySource(Generic[T]):
    """One JSON file an object; whoever writes them replaces them atomically.

    Args:
        directory: need not exist yet.
        read: a file's content to the object.
        name_of: the object's own name, which its file bears; ``None`` where the file's name says nothing.
    """

    def __init__(
        self, directory: Path, *, read: Callable[[bytes], T], name_of: Callable[[T], str] | None = None
    ) -> None:
        self._directory = directory
        self._read = read
        self._name_of = name_of
        self._seen: dict[str, Signature] = {}

    def changes(self) -> Changes[T]:
        """Files that came, changed or went since the last call; a torn or foreign one is refused once."""
        try:
            found = _signatures(self._directory)
        except OSError as error:
            sentence = f"{self._directory} can't be looked through: {error.strerror}"
            return Changes(refused=[Refusal(name="", sentence=sentence)])
        changed: list[Change[T]] = [
            Change(name=file.removesuffix(SUFFIX), value=None) for file in self._seen.keys() - found.keys()
        ]
        refused: list[Refusal] = []
        for file, signature in found.items():
            if self._seen.get(file) == signature:
                continue
            name, foreign = file.removesuffix(SUFFIX), False
            try:
                changed.append(Change(name=name, value=self._object(file)))
                continue
            except (ContractError, ExtenderError) as error:
                sentence, foreign = f"is refused: {error}", isinstance(error, OtherContractError)
            except OSError as error:
                sentence = f"can't be read: {error.strerror}"
            refused.append(Refusal(name=name, sentence=f"{self._directory / file} {sentence}", other_contract=foreign))
        self._seen = found
        return Changes(changed=changed, refused=refused)

    def _object(self, file: str) -> T:
        found = self._read((self._directory / file).read_bytes())
        if self._name_of is not None and self._name_of(found) != file.removesuffix(SUFFIX):
            raise ExtenderError(f"it holds {self._name_of(found)!r}: a file bears the name of what is in it")
        return found


def node_states(state: Path) -> DirectorySource[NodeState]:
    """What the agents published."""
    return DirectorySource(state / NODE_STATES, read=read_node_state, name_of=lambda found: found.metadata.name)


def pods(state: Path) -> DirectorySource[Pod]:
    """The cluster's pods."""
    return DirectorySource(state / PODS, read=parse_pod, name_of=lambda found: found.uid)


def profiles(state: Path) -> DirectorySource[WorkloadProfile]:
    """Profiles newer than the champion's snapshot; two of one workload may lie there."""
    return DirectorySource(profiles_directory(state), read=WorkloadProfile.from_json)


def observed(state: Path) -> DirectorySource[ObservedWorkload]:
    """What workloads have shown, against whatever bundle."""
    return DirectorySource(observed_directory(state), read=ObservedWorkload.from_json, name_of=lambda found: found.name)


class DirectoryChampion:
    """The champion that a state directory names; a bundle is verified whole, and loaded, before it is handed out."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._tried: Mapping[str, Signature] = {}

    def change(self) -> Champion | None:
        """The champion, if the file that names it, or any bundle, changed since the last call.

        Raises:
            BundleError: it can't be used.
        """
        try:
            signatures = self._signatures()
            if signatures == self._tried:
                return None
            self._tried = signatures
            bundle = load_champion(self._state)
        except OSError as error:
            raise BundleError(f"champion in {self._state} can't be read: {error}; promote a model again") from error
        return None if bundle is None else champion_of(bundle)

    def _signatures(self) -> Mapping[str, Signature]:
        path = champion_path(self._state)
        signature = _signature(path)
        bundles = {
            f"{bundle.name}/{file}": found
            for bundle in sorted((self._state / BUNDLES).glob("[!.]*"))
            for file, found in _signatures(bundle, suffix="").items()
        }
        return bundles if signature is None else {path.name: signature, **bundles}


def champion_of(bundle: Bundle) -> Champion:
    """Load a verified bundle's interference model.

    Raises:
        BundleError: it has none, or one that can't be used.
    """
    return Champion(
        digest=bundle.digest,
        version=bundle.manifest.version,
        simulated=bundle.manifest.simulated,
        profiles=bundle.profiles,
        model=BoundModel(bundle),
    )


def _signatures(directory: Path, suffix: str = SUFFIX) -> dict[str, Signature]:
    """Of each visible file with the suffix; of none where the directory is not there."""
    try:
        with os.scandir(directory) as entries:
            files = [entry for entry in entries if entry.name.endswith(suffix) and not entry.name.startswith(".")]
            return {entry.name: signature for entry in files if (signature := _signature(entry)) is not None}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _signature(file: os.DirEntry[str] | Path) -> Signature | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
