"""``leeward ingest``: take vectors from node agents."""

import logging
from enum import StrEnum
from typing import Annotated

import typer

from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, claim

app = typer.Typer(help="Ingest: the way of vectors from node agents into the feature store.", no_args_is_help=True)


class StoreProfile(StrEnum):
    """Where a feature store keeps what it knows; ``feature_repo.settings.Profile``, which other images don't have."""

    LOCAL = "local"
    CLUSTER = "cluster"


KeepDaysOption = Annotated[
    int | None,
    typer.Option(
        "--keep-days",
        min=0,
        max=36_500,
        help="Delete history older than so many days before today; else all is kept.",
    ),
]
ProfileOption = Annotated[
    StoreProfile | None,
    typer.Option(
        "--profile",
        help="What a new store is of: local (files in the state directory, unless told otherwise) or cluster (Postgres "
        "and Redis, which variables LEEWARD_POSTGRES_... and LEEWARD_REDIS... name: those that lack are told).",
    ),
]


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 picks a free one.")] = 8081,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on: whoever reaches it may write.")
    ] = "127.0.0.1",
    keep_days: KeepDaysOption = None,
    profile: ProfileOption = None,
    state: StateOption = DEFAULT,
) -> None:
    """Serve /v1/vectors, /healthz and /metrics until stopped, and merge small files of history meanwhile."""
    with ended_by_sigterm(), complaining_of(StateError):
        claim(state)
        from feature_repo.endpoint import serve as serve_ingest
        from feature_repo.errors import FeatureRepositoryError
        from feature_repo.settings import Profile
        from serving.json_lines import write_to_standard_error

        write_to_standard_error(logging.getLogger("leeward.ingest"), level=logging.INFO)
        write_to_standard_error(logging.getLogger("uvicorn"), level=logging.WARNING)
        with complaining_of(FeatureRepositoryError):
            serve_ingest(
                state=state,
                host=host,
                port=port,
                keep_days=keep_days,
                profile=None if profile is None else Profile(profile),
            )


@app.command()
def compact(keep_days: KeepDaysOption = None, profile: ProfileOption = None, state: StateOption = DEFAULT) -> None:
    """Merge small files of history now, as ``serve`` does by and by; while it runs, or when it does not.

    History in Postgres has no such files: there it deletes what is too old, where it is told to, and nothing else.
    """
    with ended_by_sigterm(), complaining_of(StateError):
        claim(state)
        from feature_repo.compaction import Compaction
        from feature_repo.errors import FeatureRepositoryError
        from feature_repo.retention import delete_old
        from feature_repo.settings import Profile
        from feature_repo.store import open_store
        from serving.json_lines import write_to_standard_error

        write_to_standard_error(logging.getLogger("leeward.ingest"), level=logging.INFO)
        with complaining_of(FeatureRepositoryError):
            store = open_store(state, profile=None if profile is None else Profile(profile))
            deleted = delete_old(store, keep_days=keep_days) if keep_days is not None else ()
            if store.database is not None:
                merged = "history lies in Postgres, which has no files to merge"
            else:
                report = Compaction(store).run()
                merged = f"{report.merged} files merged into {report.made}, {report.damaged} damaged set aside"
        typer.echo(f"{merged}, {len(deleted)} days deleted")
