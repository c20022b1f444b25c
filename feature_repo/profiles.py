"""Workload profiles: taken in, the latest of a workload, and what was known of it at a time.

Whoever measures profiles (a campaign, a profile run) writes them here; training reads them as of a time, the extender
fetches what is newer than the snapshot in its bundle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from contracts.profile import WorkloadProfile
from feature_repo.document_history import append_documents, fresh_documents
from feature_repo.documents import PROFILES
from feature_repo.names import PROFILE_NAME, PROFILE_PUSH_SOURCE_NAME
from feature_repo.reads import PLACE, rows_as_of, rows_online
from feature_repo.store import Store

_VERSION = "profile_version"
"""Null where there is no profile."""


@dataclass(frozen=True, slots=True)
class ProfileKey:
    """Which workload is asked for, and as of when (UTC nanoseconds since 1970)."""

    workload: str
    at_ns: int


def write_profiles(store: Store, profiles: Sequence[WorkloadProfile]) -> int:
    """Take profiles in, online and into history; both are on disk when this returns.

    A profile is known since its ``last_seen``. One that is there already is left out, so sending again is safe; an
    older one goes to history and never replaces a newer one online.

    Returns:
        How many were new.

    Raises:
        ContractError: two profiles of one workload and one ``last_seen`` differ; nothing was written.
        OSError, sqlite3.Error: a store could not be written; write the same again.
    """
    with store.changing:
        fresh = fresh_documents(store, PROFILES, profiles)
        newest = {profile.key: profile for profile in sorted(fresh.documents, key=lambda profile: profile.last_seen)}
        online = latest_profiles(store, list(newest))
        newer = [
            profile
            for profile, known in zip(newest.values(), online, strict=True)
            if known is None or profile.last_seen > known.last_seen
        ]
        if newer:
            with store.online:
                store.feast.push(PROFILE_PUSH_SOURCE_NAME, PROFILES.rows(newer).to_pandas())
        append_documents(store, PROFILES, fresh.rows)
    return len(fresh.documents)


def latest_profile(store: Store, key: str) -> WorkloadProfile | None:
    """The latest profile of a workload from the online store; ``None`` where it never had one.

    Raises:
        ContractError: what is online breaks the contract.
    """
    return latest_profiles(store, [key])[0]


def latest_profiles(store: Store, keys: Sequence[str]) -> tuple[WorkloadProfile | None, ...]:
    """The same for several workloads: as many as there are keys, in their order."""
    return _profiles(rows_online(store, PROFILE_NAME, [{"workload": key} for key in keys], PROFILES.columns.schema))


def profiles_as_of(store: Store, keys: Sequence[ProfileKey]) -> tuple[WorkloadProfile | None, ...]:
    """For each key the profile that was last seen at or before the asked time; ``None`` where there was none yet.

    Returns:
        As many as there are keys, in their order.

    Raises:
        ContractError: history holds a row that breaks the contract.
    """
    if not keys:
        return ()
    joined = rows_as_of(
        store, PROFILE_NAME, {"workload": [key.workload for key in keys]}, [key.at_ns // 1000 for key in keys]
    )
    return _profiles(joined.sort_by(PLACE))


def _profiles(rows: pa.Table) -> tuple[WorkloadProfile | None, ...]:
    known = pc.is_valid(rows.column(_VERSION))
    profiles = iter(PROFILES.columns.restore(rows.filter(known).to_pylist()))
    return tuple(next(profiles) if is_known else None for is_known in known.to_pylist())
