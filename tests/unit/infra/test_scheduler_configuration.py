"""Kubernetes publishes no schema of KubeSchedulerConfiguration; these models hold the fields that are used.

They follow ``kubescheduler.config.k8s.io/v1`` as in the Go types of k8s.io/kube-scheduler 0.36.
"""

from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tests.unit.infra.kustomization import KUSTOMIZE, Manifest, container_of, find, pod_of

FILE = KUSTOMIZE / "scheduler/scheduler.yaml"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class Extender(Strict):
    url_prefix: Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+:\d+$")]
    filter_verb: Annotated[str, Field(min_length=1)]
    prioritize_verb: Annotated[str, Field(min_length=1)]
    weight: Annotated[int, Field(ge=1)]
    node_cache_capable: bool
    ignorable: bool
    http_timeout: Annotated[str, Field(pattern=r"^\d+ms$")]


class LeaderElection(Strict):
    leader_elect: bool
    resource_name: str
    resource_namespace: str


class Profile(Strict):
    scheduler_name: str


class KubeSchedulerConfiguration(Strict):
    api_version: Literal["kubescheduler.config.k8s.io/v1"]
    kind: Literal["KubeSchedulerConfiguration"]
    leader_election: LeaderElection
    profiles: Annotated[list[Profile], Field(min_length=1, max_length=1)]
    extenders: Annotated[list[Extender], Field(min_length=1, max_length=1)]


@pytest.fixture
def raw() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def configuration(raw: dict[str, Any]) -> KubeSchedulerConfiguration:
    return KubeSchedulerConfiguration.model_validate(raw)


def test_a_field_of_another_name_is_refused(raw: dict[str, Any]) -> None:
    raw["extenders"][0]["enableHttps"] = False
    with pytest.raises(ValidationError, match="enableHttps"):
        KubeSchedulerConfiguration.model_validate(raw)


def test_extender_is_never_in_the_way(configuration: KubeSchedulerConfiguration) -> None:
    (extender,) = configuration.extenders
    assert extender.ignorable is True
    assert int(extender.http_timeout.removesuffix("ms")) <= 500, "it is waited for twice a pod"


def test_extender_is_asked_by_names_and_for_every_pod(configuration: KubeSchedulerConfiguration) -> None:
    (extender,) = configuration.extenders
    assert extender.node_cache_capable is True
    assert "managed_resources" not in Extender.model_fields, (
        "an extender with managedResources misses pods without them"
    )


def test_verbs_are_those_of_the_webhook(configuration: KubeSchedulerConfiguration) -> None:
    (extender,) = configuration.extenders
    assert (extender.filter_verb, extender.prioritize_verb) == ("filter", "prioritize")


def test_binding_stays_the_schedulers_own_business(raw: dict[str, Any]) -> None:
    raw["extenders"][0]["bindVerb"] = "bind"
    with pytest.raises(ValidationError, match="bindVerb"):
        KubeSchedulerConfiguration.model_validate(raw)
    assert "bindVerb" not in FILE.read_text(encoding="utf-8"), "docs/adr/0013-no-bind.md says why"


def test_address_is_the_services(configuration: KubeSchedulerConfiguration, objects: list[Manifest]) -> None:
    service = find(objects, "Service", "leeward-extender")
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert configuration.extenders[0].url_prefix == f"http://{host}:{service['spec']['ports'][0]['port']}"


def test_second_scheduler_takes_neither_pods_nor_lease_of_the_first(
    configuration: KubeSchedulerConfiguration, objects: list[Manifest]
) -> None:
    assert configuration.profiles[0].scheduler_name == "leeward-scheduler"
    election = configuration.leader_election
    assert election.leader_elect is True
    lease = find(objects, "Role", "leeward-scheduler-lease")
    assert lease["metadata"]["namespace"] == election.resource_namespace
    assert lease["rules"][1]["resourceNames"] == [election.resource_name]


def test_deployment_reads_this_file(objects: list[Manifest]) -> None:
    deployment = find(objects, "Deployment", "leeward-scheduler")
    config_map = find(objects, "ConfigMap", "leeward-scheduler-configuration")
    (volume,) = pod_of(deployment)["volumes"]
    assert volume["configMap"]["name"] == config_map["metadata"]["name"]
    container = container_of(deployment)
    (mount,) = container["volumeMounts"]
    (key,) = config_map["data"]
    assert container["command"] == ["kube-scheduler", f"--config={mount['mountPath']}/{key}"]
