"""A feature store's settings, which Feast reads: one profile for a state directory, one for a cluster.

``feature_store.yaml`` of the cluster profile names environment variables, and Feast puts their values in when it reads
the file: so no address and no password is ever written down.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from feature_repo.errors import StoreError
from feature_repo.names import PROJECT_NAME

HOST, PORT, DATABASE, USER, PASSWORD, SSL_MODE = (
    f"LEEWARD_POSTGRES_{name}" for name in ("HOST", "PORT", "DATABASE", "USER", "PASSWORD", "SSLMODE")
)
REDIS, REDIS_PASSWORD = "LEEWARD_REDIS", "LEEWARD_REDIS_PASSWORD"

VARIABLES: Mapping[str, str] = {
    HOST: "Postgres' host name",
    PORT: "its port, for example 5432",
    DATABASE: "the database for registry and history",
    USER: "a role that may create tables there",
    PASSWORD: "its password",
    SSL_MODE: "as libpq has it: verify-full over a network, disable on loopback",
    REDIS: "Redis as host:port, with further parameters behind commas: redis:6379,ssl=true",
    REDIS_PASSWORD: "its password; empty where it has none",
}
"""What the cluster profile reads from the environment; all of them are set."""

REGISTRY_AGE_SECONDS = 60
"""So old a copy of the registry may be that a process goes by; Feast's own is ten minutes."""

PATIENCE_SECONDS = 5
"""For a server to answer. Senders wait for ingest 20 s at most, and have a spool to come again from."""

_REDIS_PATIENCE = f"socket_timeout={PATIENCE_SECONDS},socket_connect_timeout={PATIENCE_SECONDS},retry=null"
"""Its client tries for 13 s otherwise where nobody listens, and for ever where nobody answers."""

CONNECTION_PATIENCE: Mapping[str, Any] = {
    "connect_timeout": PATIENCE_SECONDS,
    "tcp_user_timeout": PATIENCE_SECONDS * 1000,
    "keepalives_idle": PATIENCE_SECONDS,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
"""The same for Postgres, in libpq's words: its client notices otherwise after hours that a server's host is gone."""


def _lines(settings: Mapping[str, Any], *, indent: int) -> str:
    return "\n".join(f"{' ' * indent}{name}: {value}" for name, value in settings.items())


class Profile(StrEnum):
    """Where a feature store keeps what it knows."""

    LOCAL = "local"
    CLUSTER = "cluster"


SETTINGS: Mapping[Profile, str] = {
    Profile.LOCAL: f"""\
project: {PROJECT_NAME}
provider: local
registry: registry.db
online_store:
  type: feature_repo.one_row.OneRowOnlineStore
  path: online.db
offline_store:
  type: duckdb
entity_key_serialization_version: 3
""",
    Profile.CLUSTER: f"""\
project: {PROJECT_NAME}
provider: local
registry:
  registry_type: sql
  path: postgresql+psycopg://
  cache_ttl_seconds: {REGISTRY_AGE_SECONDS}
  serve_features_while_materializing: true
  sqlalchemy_config_kwargs:
    pool_pre_ping: true
    connect_args:
      host: '${{{HOST}}}'
      port: ${{{PORT}}}
      dbname: '${{{DATABASE}}}'
      user: '${{{USER}}}'
      password: '${{{PASSWORD}}}'
      sslmode: '${{{SSL_MODE}}}'
{_lines(CONNECTION_PATIENCE, indent=6)}
online_store:
  type: redis
  connection_string: '${{{REDIS}}},password="${{{REDIS_PASSWORD}}}",{_REDIS_PATIENCE}'
offline_store:
  type: postgres
  host: '${{{HOST}}}'
  port: ${{{PORT}}}
  database: '${{{DATABASE}}}'
  user: '${{{USER}}}'
  password: '${{{PASSWORD}}}'
  sslmode: '${{{SSL_MODE}}}'
entity_key_serialization_version: 3
""",
}

_ENDING = dict.fromkeys(VARIABLES, "'") | {REDIS_PASSWORD: "'\\,\""}
"""Characters that would end a value early: of the YAML that it is put into, or of Feast's own list of parameters."""


def refuse_incomplete(settings: str, environment: Mapping[str, str]) -> None:
    """Refuse an environment that the settings can't be read with.

    Feast leaves the name of a variable that is not set in its place, and then says that a host named ``${...}`` is
    not to be found.

    Args:
        settings: what ``feature_store.yaml`` holds.
        environment: the process's.

    Raises:
        StoreError: a variable that they name is not set, or has a character that its place can't hold.
    """
    named = [name for name in VARIABLES if f"${{{name}}}" in settings]
    lacking = [f"{name} ({VARIABLES[name]})" for name in named if name not in environment]
    if lacking:
        raise StoreError(f"the cluster's feature store lacks settings: set {', '.join(lacking)}")
    for name in named:
        if name == PORT and not environment[name].isdecimal():
            raise StoreError(f"{name} is {environment[name][:40]!a}: a port's number is meant")
        ending = _ENDING[name]
        if not environment[name].isprintable() or any(character in environment[name] for character in ending):
            raise StoreError(
                f"{name} holds a character that can't be passed on: use printable ones, without {' '.join(ending)}"
            )
