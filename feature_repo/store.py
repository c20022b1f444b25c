"""A feature store: made the first time, found again afterwards.

<state>/features/feature_store.yaml   what the plain ``feast`` command reads
                 repository.py        the definitions, for ``feast plan`` and ``feast apply``
                 registry.db  online.db
                 history/date=.../hour=.../*.parquet
                 profile_v1/date=.../*.parquet  label_v1/date=.../*.parquet

On the cluster profile the first two are all there is: registry and history lie in Postgres, what is online in Redis.
"""

import os
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from feast import FeatureService, FeatureStore, FeatureView
from feast.base_feature_view import BaseFeatureView
from feast.repo_config import RepoConfig, load_repo_config

from contracts.features import FEATURE_SCHEMA_V1
from feature_repo.definitions import SETTINGS_FILE, Definitions, definitions_of
from feature_repo.documents import LABELS, PROFILES
from feature_repo.errors import StoreError, StoreUnreachableError
from feature_repo.lock import Held, exclusive
from feature_repo.names import CONTRACT_TAG, DIGEST_TAG, VIEW_NAME
from feature_repo.partitions import write_whole
from feature_repo.reaching import reaching_servers
from feature_repo.relation import VECTOR_RELATION, Database, Turn, relation_of
from feature_repo.rows import to_rows
from feature_repo.settings import SETTINGS, Profile, refuse_incomplete
from feature_repo.sources import partitions_of

_REPOSITORY = '''\
"""Leeward's definitions. Without this file `feast apply` would find no definitions here and delete them all.

Written anew by each release: edits are lost.
"""

from pathlib import Path

from feature_repo.definitions import named_definitions

globals().update(named_definitions(Path(__file__).resolve().parent))
'''

_CONTRACTS: Mapping[str, str] = {
    VIEW_NAME: FEATURE_SCHEMA_V1.digest,
    PROFILES.name: PROFILES.contract,
    LABELS.name: LABELS.contract,
}
_EMPTY_HISTORY: Mapping[str, pa.Table] = {
    VIEW_NAME: to_rows([]),
    PROFILES.name: PROFILES.rows([]),
    LABELS.name: LABELS.rows([]),
}


class _Named(Protocol):
    """What Feast keeps in a registry."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open feature store.

    Attributes:
        directory: ``<state>/features``, absolute.
        feast: Feast's own handle on it.
        database: what history lies in on the cluster profile; ``None`` where it lies in partitions.
        turn: whose it is at Feast's online store. Feast has one sqlite connection for all threads, and a reader on it
            would see half of what another thread is pushing.
        views, services: that were looked up, by name. Definitions change with a release only, and to make one from the
            registry's protobuf takes longer than to read a row.
    """

    directory: Path
    feast: FeatureStore
    database: Database | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)
    views: dict[str, FeatureView] = field(default_factory=dict, repr=False)
    services: dict[str, FeatureService] = field(default_factory=dict, repr=False)

    def view(self, name: str) -> FeatureView:
        """A feature view by its name."""
        if name not in self.views:
            self.views[name] = self.feast.get_feature_view(name, allow_registry_cache=True)
        return self.views[name]

    def service(self, name: str) -> FeatureService:
        """A feature service by its name."""
        if name not in self.services:
            self.services[name] = self.feast.get_feature_service(name, allow_cache=True)
        return self.services[name]

    @property
    @contextmanager
    def online(self) -> Iterator[None]:
        """Held around each use of Feast's online store, one at a time.

        Raises:
            StoreUnreachableError: Redis, or Postgres with the registry, can't be reached.
        """
        with reaching_servers(), self.turn:
            yield

    @property
    @contextmanager
    def changing(self) -> Iterator[Held]:
        """Held by whoever changes the store, one at a time: over all processes, and on the cluster all replicas.

        Raises:
            StoreUnreachableError: Postgres can't be reached, or the turn did not come.
        """
        turn = nullcontext() if self.database is None else self.database.exclusive(Turn.WRITING)
        with exclusive(self.lock) as held, turn:
            yield held

    @property
    def history(self) -> Path:
        """The Parquet partitions."""
        return partitions_of(VIEW_NAME, self.directory)

    @property
    def incoming(self) -> Path:
        """Files that are being written; what lies here while no ingest runs is of a killed one and can be deleted."""
        return self.directory / "incoming"

    @property
    def lock(self) -> Path:
        """Whoever changes the store's files holds this file's lock."""
        return self.directory / ".lock"


def open_store(state_directory: Path, *, profile: Profile | None = None) -> Store:
    """Open the feature store under a state directory, making what is not there yet.

    Nothing is written where all is in place. A ``feature_store.yaml`` that exists is kept as it is. A state directory
    that has moved is registered anew under its new path.

    Args:
        profile: what a new store is of; a state directory's own, if nothing is said.

    Raises:
        StoreError: the store is of another profile, its settings are incomplete, its database is not to be reached, or
            it holds rows of another contract under the same name.
    """
    directory = state_directory.resolve() / "features"
    directory.mkdir(parents=True, exist_ok=True)
    with exclusive(directory / ".lock"):
        _write_if_absent(directory / SETTINGS_FILE, SETTINGS[profile or Profile.LOCAL])
        _write_repository(directory / "repository.py")
        config = _config(directory, profile)
        database = _database(config)
        with _reached(database):
            store = Store(directory=directory, feast=FeatureStore(repo_path=str(directory)), database=database)
            _make_empty_history(store)
            _register(store, definitions_of(directory, config))
    return store


def _config(directory: Path, wanted: Profile | None) -> RepoConfig:
    settings = directory / SETTINGS_FILE
    refuse_incomplete(settings.read_text(), os.environ)
    config = load_repo_config(directory, settings)
    found = Profile.CLUSTER if config.offline_store.type == "postgres" else Profile.LOCAL
    if wanted not in (None, found):
        raise StoreError(
            f"{settings} is of profile {found}, and {wanted} was asked for: name another state directory, or remove "
            "the file if nothing that it leads to is needed"
        )
    return config


def _database(config: RepoConfig) -> Database | None:
    if config.offline_store.type != "postgres":
        return None
    return Database(config.offline_store)


@contextmanager
def _reached(database: Database | None) -> Iterator[None]:
    """While the store is made, alone among all replicas.

    Raises:
        StoreError: the database is not to be reached.
    """
    if database is None:
        yield
        return
    try:
        with database.exclusive(Turn.DEFINING), reaching_servers():
            yield
    except StoreUnreachableError as error:
        raise StoreError(str(error)) from error


def _register(store: Store, wanted: Definitions) -> None:
    feast = store.feast
    views = {view.name: view for view in feast.list_all_feature_views()}
    _refuse_foreign_store(store.directory, views)
    unchanged = (
        _holds(views.values(), wanted.views)
        and _holds(feast.list_entities(), wanted.entities)
        and _holds(feast.list_data_sources(), wanted.sources)
        and _holds(feast.list_feature_services(), wanted.services)
    )
    if not unchanged or _sqlite_is_lost(store):
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="On demand feature view is an experimental", category=RuntimeWarning
            )
            feast.apply(list(wanted))


def _holds(registered: Iterable[_Named], wanted: Iterable[_Named]) -> bool:
    known = {each.name: each for each in registered}
    return all(known.get(each.name) == each for each in wanted)


def _sqlite_is_lost(store: Store) -> bool:
    path: str | None = getattr(store.feast.config.online_store, "path", None)
    return path is not None and not (store.directory / path).exists()


def _refuse_foreign_store(directory: Path, views: Mapping[str, BaseFeatureView]) -> None:
    for name, digest in _CONTRACTS.items():
        tags = views[name].tags if name in views else {CONTRACT_TAG: digest}
        found = tags.get(CONTRACT_TAG, tags.get(DIGEST_TAG, "absent"))
        if found != digest:
            raise StoreError(
                f"the feature store of {directory} holds {name} of contract {found}, this release knows {digest}: "
                "name another state directory, or run the release that made this one"
            )


def _write_if_absent(path: Path, text: str) -> None:
    if not path.exists():
        _replace(path, text)


def _write_repository(path: Path) -> None:
    if not path.exists() or path.read_text() != _REPOSITORY:
        _replace(path, _REPOSITORY)


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)


def _make_empty_history(store: Store) -> None:
    """A file without rows for each view, or a table: duckdb refuses a pattern that matches no file."""
    if store.database:
        for relation in (VECTOR_RELATION, relation_of(PROFILES), relation_of(LABELS)):
            store.database.create(relation)
        return
    for name, rows in _EMPTY_HISTORY.items():
        empty = partitions_of(name, store.directory) / "empty.parquet"
        if not empty.exists():
            write_whole(rows, empty, incoming=store.incoming)
