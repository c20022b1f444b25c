"""The training pipeline handed to a Kubeflow endpoint: a version, and a run or a recurring run of it."""

import contextlib
import hashlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine import LOCAL, Engine
from pipelines.errors import PipelineError
from pipelines.registry import RegistryPlace
from pipelines.settings import TrainingSettings

if TYPE_CHECKING:
    from kfp.client import Client

EXPERIMENT = "leeward"
"""Of Kubeflow's page, under which runs stand."""

_A_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What to run, and where.

    Attributes:
        host: URL of the Kubeflow Pipelines API: ``https://kubeflow.example/pipeline``.
        registry: MLflow, as the cluster's pods reach it.
        settings: of the training.
        engine: who checks vectors and fits, as the cluster's pods reach it.
        image: of the components.
        namespace: a Kubeflow profile, where Kubeflow serves several users; else empty.
        token: a bearer token, where the endpoint asks for one; else empty.
        traces, state: paths in the components' volume.
        recurring: six fields of cron, seconds first; empty for one run now.
    """

    host: str
    registry: RegistryPlace
    settings: TrainingSettings
    engine: Engine = LOCAL
    image: str
    namespace: str = ""
    token: str = ""
    traces: str
    state: str
    recurring: str = ""

    def __post_init__(self) -> None:
        """Refuse a schedule that Kubeflow would take for another one.

        Raises:
            PipelineError: not six fields. Kubeflow takes five as well, and reads the first as seconds.
        """
        fields = self.recurring.split()
        if fields and (len(fields) != 6):
            raise PipelineError(
                f"the schedule {self.recurring!r} has {len(fields)} field(s): six are meant, seconds first, as in "
                "'0 30 2 * * *' for half past two every night"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What Kubeflow made of it.

    Attributes:
        pipeline, version: their identifiers.
        name: of the version.
        uploaded: whether the version is new; the same pipeline is uploaded once.
        run: identifier of the run, or of the recurring run.
        address: where its page is.
    """

    pipeline: str
    version: str
    name: str
    uploaded: bool
    run: str
    address: str


def submit(submission: Submission) -> Submitted:
    """Upload the pipeline if this version of it is not there, and start a run or a recurring run.

    Raises:
        PipelineError: Kubeflow can't be reached, or refused something, with what it said.
    """
    with _answered(submission.host), contextlib.redirect_stdout(io.StringIO()):
        client = _client(submission)
        pipeline, version, name, uploaded = _version(client, submission)
        experiment = client.create_experiment(EXPERIMENT, namespace=submission.namespace or None)
        arguments = {
            "traces": submission.traces,
            "state": submission.state,
            "registry": submission.registry.to_json().decode(),
            "settings": submission.settings.to_json().decode(),
            "engine": submission.engine.to_json().decode(),
        }
        target = {"pipeline_id": pipeline, "version_id": version, "params": arguments}
        if submission.recurring:
            kept = client.create_recurring_run(
                experiment.experiment_id,
                job_name=f"{name}, recurring",
                cron_expression=submission.recurring,
                max_concurrency=1,
                no_catchup=True,
                **target,
            )
            run, page = str(kept.recurring_run_id), "recurringrun/details"
        else:
            now = datetime.now(UTC)
            started = client.run_pipeline(experiment.experiment_id, f"{name}, {now:%Y-%m-%d %H:%M:%S}", **target)
            run, page = str(started.run_id), "runs/details"
    return Submitted(
        pipeline=pipeline,
        version=version,
        name=name,
        uploaded=uploaded,
        run=run,
        address=f"{submission.host.rstrip('/')}/#/{page}/{run}",
    )


def _client(submission: Submission) -> "Client":
    """kfp's client, once the endpoint has answered: where it does not, the client asks on for half a minute."""
    from kfp.client.client import kfp_server_api as api  # noqa: PLC0415

    known = {"api_key": {"authorization": submission.token}, "api_key_prefix": {"authorization": "Bearer"}}
    settings = api.Configuration(host=submission.host.rstrip("/"), **(known if submission.token else {}))
    api.HealthzServiceApi(api.ApiClient(settings)).healthz_service_get_healthz()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from kfp.client import Client  # noqa: PLC0415

        return Client(
            host=submission.host,
            namespace=submission.namespace or "kubeflow",
            existing_token=submission.token or None,
        )


def _version(client: "Client", submission: Submission) -> tuple[str, str, str, bool]:
    """Identifiers of pipeline and version, the version's name, and whether it was uploaded now."""
    from pipelines.compiled import compile_to  # noqa: PLC0415
    from pipelines.training_pipeline import DESCRIPTION, PIPELINE_NAME, training_pipeline  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        package = compile_to(training_pipeline(submission.image), Path(directory) / "train.yaml")
        name = f"{PIPELINE_NAME}-{hashlib.sha256(package.read_bytes()).hexdigest()[:12]}"
        named = partial(client.list_pipelines, namespace=submission.namespace or None)
        pipeline = next(
            (entry.pipeline_id for entry in _all(named, "pipelines") if entry.display_name == PIPELINE_NAME), None
        )
        if pipeline is None:
            made = client.upload_pipeline(
                str(package), PIPELINE_NAME, description=DESCRIPTION, namespace=submission.namespace or None
            )
            pipeline = made.pipeline_id
        versions = _all(partial(client.list_pipeline_versions, pipeline), "pipeline_versions")
        known = next((entry for entry in versions if entry.display_name == name), None)
        version = known or client.upload_pipeline_version(str(package), name, pipeline_id=pipeline)
    return str(pipeline), str(version.pipeline_version_id), name, known is None


def _all(listed: Callable[..., Any], what: str) -> Iterator[Any]:
    """All entries of a list that is handed out page by page."""
    token = ""
    while True:
        page = listed(page_token=token, page_size=_A_PAGE)
        yield from getattr(page, what) or ()
        token = page.next_page_token or ""
        if not token:
            return


@contextlib.contextmanager
def _answered(host: str) -> Iterator[None]:
    """What Kubeflow's client raises, as one sentence."""
    from kfp.client.client import kfp_server_api as api  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except api.ApiException as error:
        said = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body)
        raise PipelineError(
            f"Kubeflow at {host} answered {error.status} {error.reason}: {said[:300].strip()}"
        ) from error
    except HTTPError as error:
        raise PipelineError(
            f"Kubeflow at {host} can't be reached: {error}; see that the URL and the way are right"
        ) from error
