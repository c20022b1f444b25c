"""What Feast is told: entities, sources, views and services, made from ``contracts/``."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feast import Entity, FeatureService, FeatureView, OnDemandFeatureView, Project
from feast.data_source import DataSource
from feast.repo_config import RepoConfig, load_repo_config

from feature_repo.entities import Entities, entities
from feature_repo.names import OWNER, PROJECT_NAME
from feature_repo.services import Services, services
from feature_repo.sources import Sources, file_sources, table_sources
from feature_repo.views import Views, views

SETTINGS_FILE = "feature_store.yaml"

Defined = Project | Entity | DataSource | FeatureView | OnDemandFeatureView | FeatureService


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """All objects of one repository."""

    project: Project
    entities: Entities
    sources: Sources
    views: Views
    services: Services

    def __iter__(self) -> Iterator[Defined]:
        """In the order in which Feast can apply them."""
        return iter((self.project, *self.entities, *self.sources, *self.views, *self.services))


def definitions(sources: Sources) -> Definitions:
    """The repository over the given sources."""
    project = Project(name=PROJECT_NAME, description="Hardware telemetry of contention domains", owner=OWNER)
    joined = entities()
    viewed = views(joined, sources)
    return Definitions(project=project, entities=joined, sources=sources, views=viewed, services=services(viewed))


def definitions_of(directory: Path, config: RepoConfig) -> Definitions:
    """The repository of a feature store's directory (an absolute path): tables on Postgres, else partitions in it."""
    return definitions(table_sources() if config.offline_store.type == "postgres" else file_sources(directory))


def named_definitions(directory: Path) -> dict[str, Defined]:
    """The same for ``feast apply``, which looks through a module's names."""
    config = load_repo_config(directory, directory / SETTINGS_FILE)
    return {f"object_{place}": each for place, each in enumerate(definitions_of(directory, config))}
