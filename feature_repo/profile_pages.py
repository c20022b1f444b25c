"""The latest profiles ready to be handed out: a line each, in the order of their keys, in pages of bounded size.

To read an index of keys and times takes a hundredth of reading the profiles. So a profile that was read from Feast's
online store is kept until the index says that another one is the latest. On a state directory it is the online store's
own, on the cluster profile that of history's table, which outlives Redis: what Redis has lost is read from there.
"""

import hashlib
import logging
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from feast.infra.key_encoding_utils import deserialize_entity_key

from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from feature_repo.documents import PROFILES
from feature_repo.errors import StoreError
from feature_repo.names import PROFILE_NAME
from feature_repo.one_row import OneRowOnlineStore
from feature_repo.profiles import ProfileKey, latest_profiles, profiles_as_of
from feature_repo.relation import relation_of
from feature_repo.store import Store

PAGE_BYTES = 4 << 20
FRESH_SECONDS = 5.0
"""So long the index is not read again, however many ask."""

_READ_AT_ONCE = 100
"""Vectors wait to be pushed while the online store is read."""
_LOGGER = logging.getLogger("leeward.ingest")

Read = Callable[[Sequence[ProfileKey]], Sequence[WorkloadProfile | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePage:
    """Some profiles.

    Attributes:
        body: a profile a line, as the contract writes it in JSON, in the order of their keys.
        digest: SHA-256 of the body and of what follows, in hexadecimal.
        following: the last key, where more profiles follow; else empty.
    """

    body: bytes
    digest: str
    following: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A profile's line, and when it is known, in UTC microseconds since 1970."""

    known_at: int
    text: bytes


class ProfilePages:
    """The latest profiles of one store. Several threads may ask; one at a time is answered.

    Args:
        store: whose profiles.
        fresh_seconds: how old the index may be.
        page_bytes: a page has as many profiles as are no longer than this together, but one at least.
    """

    def __init__(self, store: Store, *, fresh_seconds: float = FRESH_SECONDS, page_bytes: int = PAGE_BYTES) -> None:
        self._store = store
        self._fresh_seconds = fresh_seconds
        self._page_bytes = page_bytes
        self._answering = threading.Lock()
        self._fresh_until = -1.0
        self._lines: dict[str, _Line] = {}
        self._keys: list[str] = []
        self._refused: set[str] = set()

    def __len__(self) -> int:
        """How many profiles there were when last looked."""
        return len(self._keys)

    def page(self, after: str = "") -> ProfilePage:
        """The profiles whose keys come after another.

        Args:
            after: a key, whether it is known or not; all profiles, if empty.

        Raises:
            OSError, sqlite3.Error: the store can't be read.
            StoreError: its online store is of a kind that does not say whom it knows.
        """
        with self._answering:
            if time.monotonic() >= self._fresh_until:
                self._refresh()
                self._fresh_until = time.monotonic() + self._fresh_seconds
            return self._page(after)

    def _page(self, after: str) -> ProfilePage:
        texts: list[bytes] = []
        size, following = 0, ""
        for key in islice(self._keys, bisect_right(self._keys, after), None):
            text = self._lines[key].text
            if texts and size + len(text) > self._page_bytes:
                break
            texts.append(text)
            size, following = size + len(text), key
        if not texts or following == self._keys[-1]:
            following = ""
        body = b"".join(texts)
        return ProfilePage(body=body, digest=hashlib.sha256(body + following.encode()).hexdigest(), following=following)

    def _refresh(self) -> None:
        index = profile_index(self._store)
        changed = [key for key, at in index.items() if key not in self._lines or self._lines[key].known_at != at]
        for first in range(0, len(changed), _READ_AT_ONCE):
            asked = [ProfileKey(key, index[key] * 1000) for key in changed[first : first + _READ_AT_ONCE]]
            self._keep(self._readable(asked, self._online))
            lost = [each for each in asked if self._known_at(each.workload) < index[each.workload]]
            if lost:
                self._keep(self._readable(lost, self._as_of))
        for key in self._lines.keys() - index.keys():
            del self._lines[key]
        self._keys = sorted(self._lines)

    def _keep(self, profiles: Sequence[WorkloadProfile]) -> None:
        for profile in profiles:
            known_at = PROFILES.known_at_microseconds(profile)
            self._lines[profile.key] = _Line(known_at, profile.to_json() + b"\n")

    def _known_at(self, key: str) -> int:
        return self._lines[key].known_at if key in self._lines else -(2**63)

    def _online(self, keys: Sequence[ProfileKey]) -> Sequence[WorkloadProfile | None]:
        return latest_profiles(self._store, [key.workload for key in keys])

    def _as_of(self, keys: Sequence[ProfileKey]) -> Sequence[WorkloadProfile | None]:
        return profiles_as_of(self._store, keys)

    def _readable(self, keys: Sequence[ProfileKey], read: Read) -> list[WorkloadProfile]:
        """Those that are there and keep the contract; one that does not is told once, and holds up no other."""
        try:
            return [profile for profile in read(keys) if profile is not None]
        except ContractError as error:
            if len(keys) == 1:
                self._tell(f"{keys[0].workload}: {error}")
                return []
        half = len(keys) // 2
        return [*self._readable(keys[:half], read), *self._readable(keys[half:], read)]

    def _tell(self, reason: str) -> None:
        if reason not in self._refused:
            self._refused.add(reason)
            _LOGGER.warning("profile-refused", extra={"fields": {"reason": reason}})


def profile_index(store: Store) -> Mapping[str, int]:
    """Of each workload that has a profile, when the latest is known, in UTC microseconds since 1970.

    Raises:
        OSError, sqlite3.Error: the store can't be read.
        StoreError: its online store is of a kind that does not say whom it knows.
    """
    if store.database is not None:
        return store.database.latest(relation_of(PROFILES))
    config, online = store.feast.config, store.feast.provider.online_store
    if not isinstance(online, OneRowOnlineStore):
        raise StoreError(
            f"{store.directory} has an online store of type {config.online_store.type}, which does not say whom it "
            "knows, so profiles can't be handed out: name feature_repo.one_row.OneRowOnlineStore in feature_store.yaml"
        )
    with store.online:
        events = online.events(config, store.view(PROFILE_NAME))
    version = config.entity_key_serialization_version
    return {deserialize_entity_key(key, version).entity_values[0].string_val: event for key, event in events.items()}
