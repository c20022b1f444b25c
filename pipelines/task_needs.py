"""What each task of a pipeline needs of a cluster, and whether its result may be taken from an earlier run.

Of all this ``kfp.local`` knows retries alone, and waits before them: on one machine there are none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kfp import dsl, kubernetes

from feature_repo.settings import PASSWORD, REDIS_PASSWORD, VARIABLES

STATE = "/var/lib/leeward"
"""Where the state directory is mounted."""

TRACES = f"{STATE}/traces"
"""Where campaigns leave their traces, within it."""

REGISTRY = '{"trackingUri": "http://mlflow:5000"}'
"""Where MLflow is, unless a run is told: ``pipelines.registry.RegistryPlace`` as JSON."""

STATE_CLAIM = "leeward-state"
"""Volume claim with the state directory: traces, and the feature store or its settings."""

FEATURE_STORE = "leeward-feature-store"
"""Config map and secret with what the cluster profile of the feature store reads from the environment."""

MLFLOW = "leeward-mlflow"
"""Secret with the credentials of MLflow, if it asks for any."""

_SECRETS = {PASSWORD: "postgres-password", REDIS_PASSWORD: "redis-password"}
_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 30, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNeeds:
    """Of one component.

    Attributes:
        cpu: cores that are asked for; a task may take more where there are some.
        memory, most_memory: in Kubernetes' words: asked for, and the most there is.
        retries: after a failure. A refusal is no failure that another try would mend, and a registration that was
            made twice is two versions.
        cacheable: the result follows from the inputs and the image alone: not of what looks at a store, or changes one.
        minutes: the task has, all in all.
        state, feature_store, mlflow: what it reaches for.
    """

    cpu: str = "1"
    memory: str = "2Gi"
    most_memory: str = "4Gi"
    retries: int = 0
    cacheable: bool = False
    minutes: int = 60
    state: bool = False
    feature_store: bool = False
    mlflow: bool = False


NEEDS: Mapping[str, TaskNeeds] = {
    "read-traces": TaskNeeds(retries=2, state=True),
    "take-in": TaskNeeds(retries=2, state=True, feature_store=True),
    "extract": TaskNeeds(retries=2, state=True, feature_store=True),
    "validate": TaskNeeds(cacheable=True),
    "number-folds": TaskNeeds(cacheable=True),
    "fit-fold": TaskNeeds(cpu="2", retries=2, cacheable=True, minutes=240),
    "train": TaskNeeds(cpu="2", most_memory="8Gi", retries=2, cacheable=True, minutes=240),
    "train-from-folds": TaskNeeds(cpu="2", most_memory="8Gi", retries=2, cacheable=True, minutes=240),
    "register": TaskNeeds(mlflow=True),
    "find-version": TaskNeeds(retries=2, mlflow=True),
    "show-held-out": TaskNeeds(retries=2, cacheable=True, mlflow=True),
    "promote": TaskNeeds(retries=1, state=True, mlflow=True),
}
"""By component."""


def with_needs(task: dsl.PipelineTask, *, retried: bool) -> dsl.PipelineTask:
    """Give a task what its component needs; returns the task."""
    needs = NEEDS[task.component_spec.name]
    task.set_caching_options(enable_caching=needs.cacheable)
    task.set_cpu_request(needs.cpu).set_memory_request(needs.memory).set_memory_limit(needs.most_memory)
    if needs.retries and retried:
        task.set_retry(
            num_retries=needs.retries,
            backoff_duration=f"{_BACKOFF_SECONDS}s",
            backoff_factor=2.0,
            backoff_max_duration=f"{_LONGEST_BACKOFF_SECONDS}s",
        )
    kubernetes.set_timeout(task, seconds=60 * needs.minutes)
    if needs.state:
        kubernetes.mount_pvc(task, pvc_name=STATE_CLAIM, mount_path=STATE)
    if needs.feature_store:
        settings = {name: name for name in VARIABLES if name not in _SECRETS}
        kubernetes.use_config_map_as_env(task, FEATURE_STORE, config_map_key_to_env=settings, optional=True)
        secrets = {key: name for name, key in _SECRETS.items()}
        kubernetes.use_secret_as_env(task, FEATURE_STORE, secret_key_to_env=secrets, optional=True)
    if needs.mlflow:
        credentials = {"username": "MLFLOW_TRACKING_USERNAME", "password": "MLFLOW_TRACKING_PASSWORD"}
        kubernetes.use_secret_as_env(task, MLFLOW, secret_key_to_env=credentials, optional=True)
    return task
