"""A state directory's feature store: made the first time, found again afterwards.

<state>/features/feature_store.yaml   what the plain ``feast`` command reads
                 repository.py        the definitions, for ``feast plan`` and ``feast apply``
                 registry.db  online.db
                 history/date=.../hour=.../*.parquet
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from feast import FeatureStore

from contracts.features import FEATURE_SCHEMA_V1
from feature_repo.definitions import DIGEST_TAG, PROJECT_NAME, VIEW_NAME, Definitions, definitions
from feature_repo.errors import StoreError
from feature_repo.lock import exclusive
from feature_repo.partitions import write_whole
from feature_repo.rows import to_rows

_SETTINGS = f"""\
project: {PROJECT_NAME}
provider: local
registry: registry.db
online_store:
  type: sqlite
  path: online.db
offline_store:
  type: duckdb
entity_key_serialization_version: 3
"""

_REPOSITORY = '''\
"""Leeward's definitions. Without this file `feast apply` would find no definitions here and delete them all."""

from pathlib import Path

from feature_repo.definitions import definitions

project, node, domain, history, push, view, service = definitions(Path(__file__).resolve().parent / "history")
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open feature store.

    Attributes:
        directory: ``<state>/features``, absolute.
        feast: Feast's own handle on it.
        online: held around each use of Feast's online store. Feast has one sqlite connection for all threads, and a
            reader on it would see half of what another thread is pushing.
    """

    directory: Path
    feast: FeatureStore
    online: threading.Lock = field(default_factory=threading.Lock)

    @property
    def history(self) -> Path:
        """The Parquet partitions."""
        return self.directory / "history"

    @property
    def incoming(self) -> Path:
        """Files that are being written; what lies here while no ingest runs is of a killed one and can be deleted."""
        return self.directory / "incoming"

    @property
    def lock(self) -> Path:
        """Whoever changes the store holds this file's lock."""
        return self.directory / ".lock"


def open_store(state_directory: Path) -> Store:
    """Open the feature store under a state directory, making what is not there yet.

    Nothing is written where all is in place. A ``feature_store.yaml`` that exists is kept as it is. A state directory
    that has moved is registered anew under its new path.

    Raises:
        StoreError: the directory holds vectors of another schema under the same name.
    """
    directory = state_directory.resolve() / "features"
    directory.mkdir(parents=True, exist_ok=True)
    with exclusive(directory / ".lock"):
        _write_if_absent(directory / "feature_store.yaml", _SETTINGS)
        _write_if_absent(directory / "repository.py", _REPOSITORY)
        store = Store(directory=directory, feast=FeatureStore(repo_path=str(directory)))
        _write_empty_history(store)
        _register(store, definitions(store.history))
    return store


def _register(store: Store, wanted: Definitions) -> None:
    views = {view.name: view for view in store.feast.list_feature_views()}
    if VIEW_NAME in views:
        _refuse_foreign_store(store.directory, views[VIEW_NAME].tags.get(DIGEST_TAG, "absent"))
    services = {service.name: service for service in store.feast.list_feature_services()}
    sources = {source.name: source for source in store.feast.list_data_sources()}
    unchanged = (
        views.get(VIEW_NAME) == wanted.view
        and services.get(VIEW_NAME) == wanted.service
        and sources.get(wanted.history.name) == wanted.history
        and sources.get(wanted.push.name) == wanted.push
    )
    if not unchanged or _sqlite_is_lost(store):
        store.feast.apply(list(wanted))


def _sqlite_is_lost(store: Store) -> bool:
    path: str | None = getattr(store.feast.config.online_store, "path", None)
    return path is not None and not (store.directory / path).exists()


def _refuse_foreign_store(directory: Path, digest: str) -> None:
    if digest != FEATURE_SCHEMA_V1.digest:
        raise StoreError(
            f"the feature store in {directory} holds {VIEW_NAME} of schema {digest}, this release knows "
            f"{FEATURE_SCHEMA_V1.digest}: name another state directory, or run the release that made this one"
        )


def _write_if_absent(path: Path, text: str) -> None:
    if path.exists():
        return
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)


def _write_empty_history(store: Store) -> None:
    """A file without rows: duckdb refuses a pattern that matches no file, and a store without history is lawful."""
    empty = store.history / "empty.parquet"
    if not empty.exists():
        write_whole(to_rows([]), empty, incoming=store.incoming)
