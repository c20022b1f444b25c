"""The champion out of MLflow: the alias says which version, its tag which digest, and its run has the bundle's files.

``mlflow`` is imported where it is used: the skinny package is enough over http, ``sqlite:///`` needs the whole one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from serving.bundle_directory import Bundle
from serving.champion import install_champion, load_champion, read_champion
from serving.errors import BundleError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

BUNDLE_ARTIFACT = "bundle"
"""Where in a version's run the bundle's files lie."""

DIGEST_TAG = "leeward.digest"
"""The tag of a version that says what its bundle must be."""

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How MLflow says that there is no such model, or no such alias of it."""


def registry_client(tracking_uri: str) -> MlflowClient:
    """MLflow's client, without telemetry, progress bars and addresses of runs, unless the environment asks for them."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # noqa: PLC0415

    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def pull_champion(state: Path, *, tracking_uri: str, model: str = "leeward", alias: str = "champion") -> Bundle | None:
    """Install the registry's champion in a state directory; one that is there already is only verified.

    Args:
        state: the state directory.
        tracking_uri: of MLflow.
        model, alias: the registered model, and its alias.

    Returns:
        The champion's bundle; ``None`` where the registry has no such model or alias.

    Raises:
        BundleError: the registry can't be asked, or what it names is not a bundle that can be used; the one that
            served before still does.
    """
    client = registry_client(tracking_uri)
    version = version_of_alias(client, model=model, alias=alias)
    if version is None:
        return None
    digest, number = digest_of(version), str(version.version)
    known = read_champion(state)
    if known is not None and (known.model, known.version, known.digest) == (model, number, digest):
        return load_champion(state)
    state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=state, prefix=".pulled.") as directory:
        files = download(client, version, BUNDLE_ARTIFACT, Path(directory))
        return install_champion(state, files, model=model, version=number, digest=digest)


def version_of_alias(client: MlflowClient, *, model: str, alias: str) -> ModelVersion | None:
    """The version that an alias names; ``None`` where there is no such model or alias.

    Raises:
        BundleError: the registry can't be asked.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    with registry_asked(f"who is {alias} of {model}"):
        try:
            return client.get_model_version_by_alias(model, alias)
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise


def digest_of(version: ModelVersion) -> str:
    """The digest that the registry says of a version's bundle.

    Raises:
        BundleError: it says none.
    """
    digest = version.tags.get(DIGEST_TAG)
    if digest is None:
        raise BundleError(
            f"version {version.version} of {version.name} has no tag {DIGEST_TAG}: it was not registered by the "
            "training pipeline; move the alias to one that was"
        )
    return str(digest)


def run_of(version: ModelVersion) -> str:
    """The run that a version's artifacts lie in.

    Raises:
        BundleError: it names none.
    """
    if not version.run_id:
        raise BundleError(
            f"version {version.version} of {version.name} names no run, so its bundle can't be found: it was not "
            "registered by the training pipeline; move the alias to one that was"
        )
    return version.run_id


def download(client: MlflowClient, version: ModelVersion, artifact: str, directory: Path) -> Path:
    """Fetch an artifact of a version's run into a directory; returns where it lies.

    Raises:
        BundleError: the registry has not got it, or can't be asked.
    """
    with registry_asked(f"for {artifact} of version {version.version} of {version.name}"):
        return Path(client.download_artifacts(run_of(version), artifact, str(directory)))


@contextmanager
def registry_asked(question: str) -> Iterator[None]:
    """Turn what MLflow's client raises within into one sentence.

    Args:
        question: what the registry is asked, so that "MLflow was asked ..." reads well.

    Raises:
        BundleError: it could not be asked, or said no.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        yield
    except (MlflowException, OSError) as error:
        raise BundleError(
            f"MLflow was asked {question} and failed: {error}; see that the registry runs and is whole"
        ) from error
