"""Back to the champion before: the alias moves to the last version that the gate had promoted before this one."""

from pathlib import Path

from pipelines.draft import MODEL_NAME
from pipelines.errors import PipelineError
from pipelines.registry import CHAMPION_ALIAS, PROMOTED, ROLLED_BACK, VERDICT_TAG, RegistryPlace, champion_version
from serving.bundle_directory import Bundle
from serving.errors import BundleError
from serving.mlflow_champion import pull_champion, registry_client


def roll_back(state: Path, place: RegistryPlace) -> Bundle:
    """Move the alias back and install that version.

    The version that is left is marked, so that a second call goes one further back. Where the version before can't be
    installed, the alias returns to where it was.

    Args:
        state: where the champion is installed.
        place: of the registry.

    Raises:
        PipelineError: there is no champion, or none before it.
        BundleError: the version before can't be used, or the registry can't be asked.
    """
    client = registry_client(place.tracking_uri)
    champion = champion_version(client)
    if champion is None:
        raise PipelineError("there is no champion to roll back from: train and promote a model first")
    number = int(champion.version)
    earlier = [
        int(version.version)
        for version in client.search_model_versions(f"name = '{MODEL_NAME}'")
        if version.tags.get(VERDICT_TAG) == PROMOTED and int(version.version) < number
    ]
    if not earlier:
        raise PipelineError(f"version {number} is the first champion: there is none before it to roll back to")
    client.set_registered_model_alias(MODEL_NAME, CHAMPION_ALIAS, str(max(earlier)))
    try:
        bundle = pull_champion(state, tracking_uri=place.tracking_uri, model=MODEL_NAME, alias=CHAMPION_ALIAS)
    except BundleError:
        client.set_registered_model_alias(MODEL_NAME, CHAMPION_ALIAS, str(number))
        raise
    if bundle is None:
        raise PipelineError(f"the alias {CHAMPION_ALIAS} of {MODEL_NAME} vanished while it was moved: try again")
    client.set_model_version_tag(MODEL_NAME, str(number), VERDICT_TAG, ROLLED_BACK)
    return bundle
