"""Who is champion, who was before, and who stands for it: aliases of the registered models, moved together.

``champion`` of ``leeward`` alone says who serves, so a change of champion is one write. All else follows it and may be
behind where MLflow went away in between: the next change mends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.bundle import GraphRole
from pipelines.draft import MODEL_NAME
from serving.mlflow_champion import version_of_alias

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION_ALIAS, CHALLENGER_ALIAS, PREVIOUS_ALIAS = "champion", "challenger", "previous"

PART_MODELS = {"leeward-regime": GraphRole.REGIME, "leeward-interference": GraphRole.INTERFERENCE}
"""Registered models that show one half of a bundle."""

CHAMPIONS_TAG = "leeward.champions"
"""Of the registered model: the champions' versions in the order in which they served, those rolled back left out."""

_REMEMBERED = 50


def part_tag(part: str) -> str:
    """The tag of a version that says its number under a part's name."""
    return f"leeward.version_of.{part}"


def move_alias(client: MlflowClient, alias: str, version: ModelVersion) -> None:
    """Let an alias name a version, under all its registered models."""
    client.set_registered_model_alias(MODEL_NAME, alias, str(version.version))
    for part in PART_MODELS:
        number = version.tags.get(part_tag(part))
        if number is not None:
            client.set_registered_model_alias(part, alias, number)


def drop_alias(client: MlflowClient, alias: str) -> None:
    """Let an alias name nobody; those that name nobody already are left."""
    for model in (MODEL_NAME, *PART_MODELS):
        if version_of_alias(client, model=model, alias=alias) is not None:
            client.delete_registered_model_alias(model, alias)


def champions(client: MlflowClient) -> tuple[str, ...]:
    """Versions in the order in which they became champion; the last is champion now, whoever moved the alias.

    Versions that were deleted since are left out.
    """
    champion = version_of_alias(client, model=MODEL_NAME, alias=CHAMPION_ALIAS)
    if champion is None:
        return ()
    there = {str(version.version) for version in client.search_model_versions(f"name = '{MODEL_NAME}'")}
    remembered = client.get_registered_model(MODEL_NAME).tags.get(CHAMPIONS_TAG, "").split()
    known = tuple(version for version in remembered if version in there)
    number = str(champion.version)
    return known if known[-1:] == (number,) else (*known, number)


def make_champion(client: MlflowClient, version: ModelVersion) -> None:
    """Move ``champion`` forth to a version; the one before becomes ``previous``."""
    before = champions(client)
    move_alias(client, CHAMPION_ALIAS, version)
    _remember(client, (*before, str(version.version)))
    challenger = version_of_alias(client, model=MODEL_NAME, alias=CHALLENGER_ALIAS)
    if challenger is not None and str(challenger.version) == str(version.version):
        drop_alias(client, CHALLENGER_ALIAS)


def back_to(client: MlflowClient, version: ModelVersion, *, remaining: tuple[str, ...]) -> None:
    """Move ``champion`` back to a version.

    Args:
        remaining: champions before, that version the last.
    """
    move_alias(client, CHAMPION_ALIAS, version)
    _remember(client, remaining)


def _remember(client: MlflowClient, champions_now: tuple[str, ...]) -> None:
    kept = champions_now[-_REMEMBERED:]
    client.set_registered_model_tag(MODEL_NAME, CHAMPIONS_TAG, " ".join(kept))
    if len(kept) > 1:
        move_alias(client, PREVIOUS_ALIAS, client.get_model_version(MODEL_NAME, kept[-2]))
    else:
        drop_alias(client, PREVIOUS_ALIAS)
