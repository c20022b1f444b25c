"""Back to the champion before: the alias moves to the version that served before this one."""

import tempfile
from pathlib import Path

from pipelines.aliases import back_to, champions
from pipelines.draft import MODEL_NAME
from pipelines.errors import PipelineError
from pipelines.registry import ROLLED_BACK, VERDICT_TAG, RegistryPlace
from serving.bundle_directory import Bundle, read_bundle
from serving.champion import install_champion
from serving.mlflow_champion import BUNDLE_ARTIFACT, digest_of, download, registry_asked, registry_client


def roll_back(state: Path, place: RegistryPlace) -> Bundle:
    """Move the alias back and install that version.

    The version before is fetched and verified first: where it can't be used, nothing moves. A second call goes one
    further back.

    Args:
        state: where the champion is installed.
        place: of the registry.

    Raises:
        PipelineError: there is no champion, or none before it.
        BundleError: the version before can't be used, or the registry can't be asked.
    """
    client = registry_client(place.tracking_uri)
    with registry_asked(f"who was champion of {MODEL_NAME}"):
        served = champions(client)
    if not served:
        raise PipelineError("there is no champion to roll back from: train and promote a model first")
    *remaining, left = served
    if not remaining:
        raise PipelineError(f"version {left} is the first champion: there is none before it to roll back to")
    number = remaining[-1]
    with registry_asked(f"for version {number} of {MODEL_NAME}"):
        version = client.get_model_version(MODEL_NAME, number)
    digest = digest_of(version)
    with tempfile.TemporaryDirectory() as directory:
        files = download(client, version, BUNDLE_ARTIFACT, Path(directory))
        read_bundle(files, expected_digest=digest)
        with registry_asked(f"to go back to version {number}"):
            back_to(client, version, remaining=tuple(remaining))
            client.set_model_version_tag(MODEL_NAME, left, VERDICT_TAG, ROLLED_BACK)
        return install_champion(state, files, model=MODEL_NAME, version=number, digest=digest)
