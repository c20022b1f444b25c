"""Ingest with its store on servers: what the component changes of the manifests, and what it leaves as it is."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from feature_repo.settings import (
    PASSWORD,
    REDIS,
    REDIS_PASSWORD,
    SETTINGS,
    SSL_MODE,
    VARIABLES,
    Profile,
    refuse_incomplete,
)
from tests.unit.infra.kustomization import (
    CLUSTER_STORE,
    EVERYTHING,
    Manifest,
    container_of,
    find,
    identity,
    pod_of,
    render,
    workloads,
)
from tests.unit.infra.test_access import ways
from tests.unit.infra.test_images import ended, image_of
from tests.unit.infra.test_manifests import KUBERNETES

SECRET = "leeward-feature-store"


@pytest.fixture(scope="module")
def objects() -> list[Manifest]:
    return render(EVERYTHING, component=CLUSTER_STORE)


@pytest.fixture
def ingest(objects: list[Manifest]) -> Manifest:
    return find(objects, "Deployment", "leeward-ingest")


@pytest.fixture
def variables(ingest: Manifest) -> dict[str, Any]:
    return {each["name"]: each for each in container_of(ingest)["env"]}


@pytest.mark.parametrize(
    "manifest",
    [each for each in render(EVERYTHING, component=CLUSTER_STORE) if "ingest" in identity(each)],
    ids=identity,
)
def test_object_obeys_the_published_schema(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_it_changes_ingest_alone(objects: list[Manifest]) -> None:
    before, after = ({identity(manifest): manifest for manifest in each} for each in (render(EVERYTHING), objects))
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {
        "Deployment/leeward-system/leeward-ingest",
        "NetworkPolicy/leeward-system/leeward-ingest",
        "PersistentVolumeClaim/leeward-system/leeward-ingest",
        "PodDisruptionBudget/leeward-system/leeward-ingest",
    }


def test_every_setting_is_told_and_taken_and_passwords_come_from_the_secret(variables: dict[str, Any]) -> None:
    assert variables.keys() - {"HOME", "PGSSLROOTCERT"} == set(VARIABLES)
    references = {name: each["valueFrom"]["secretKeyRef"] for name, each in variables.items() if "valueFrom" in each}
    assert references == {
        PASSWORD: {"name": SECRET, "key": "postgres-password"},
        REDIS_PASSWORD: {"name": SECRET, "key": "redis-password"},
    }
    told = {name: each.get("value", "secret") for name, each in variables.items()}
    refuse_incomplete(SETTINGS[Profile.CLUSTER], told)


def test_both_servers_are_spoken_to_by_tls_and_their_certificates_looked_at(
    ingest: Manifest, variables: dict[str, Any]
) -> None:
    (mount,) = [each for each in container_of(ingest)["volumeMounts"] if each["name"] == "authority"]
    (volume,) = [each["secret"] for each in pod_of(ingest)["volumes"] if each["name"] == "authority"]
    (item,) = volume["items"]
    authority = f"{mount['mountPath']}/{item['path']}"
    assert volume["secretName"] == SECRET
    assert mount["readOnly"] is True
    assert variables[SSL_MODE]["value"] == "verify-full"
    assert variables["PGSSLROOTCERT"]["value"] == authority
    assert variables[REDIS]["value"].split(",")[1:] == ["ssl=true", f"ssl_ca_certs={authority}"]


def test_nothing_is_kept_in_a_volume_and_what_it_wants_has_room(objects: list[Manifest], ingest: Manifest) -> None:
    assert not [manifest for manifest in objects if manifest["kind"] == "PersistentVolumeClaim"]
    assert {key for volume in pod_of(ingest)["volumes"] for key in volume} == {"name", "emptyDir", "secret"}
    empty = [volume["emptyDir"]["sizeLimit"] for volume in pod_of(ingest)["volumes"] if "emptyDir" in volume]
    resources = container_of(ingest)["resources"]
    assert sum(int(size.removesuffix("Mi")) for size in empty) <= int(
        resources["requests"]["ephemeral-storage"].removesuffix("Mi")
    )
    assert resources["requests"]["memory"] == "512Mi"
    assert sorted(volume["name"] for volume in pod_of(ingest)["volumes"]) == sorted(
        mount["name"] for mount in container_of(ingest)["volumeMounts"]
    )


def test_its_arguments_are_the_bases_and_the_profile(ingest: Manifest, tmp_path: Path) -> None:
    arguments = container_of(ingest)["args"]
    assert arguments[:4] == ["ingest", "serve", "--profile", "cluster"]
    assert (
        arguments[:2] + arguments[4:] == container_of(find(render(EVERYTHING), "Deployment", "leeward-ingest"))["args"]
    )
    helped = ended(image_of("train", tmp_path), *arguments, "--help")
    assert helped.returncode == 0, helped.stderr


def test_a_drain_leaves_a_replica_and_a_rollout_ends_none_before_another_is_ready(
    objects: list[Manifest], ingest: Manifest
) -> None:
    budget = find(objects, "PodDisruptionBudget", "leeward-ingest")["spec"]
    assert 0 < budget["minAvailable"] < ingest["spec"]["replicas"]
    assert ingest["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    labels = ingest["spec"]["template"]["metadata"]["labels"]
    spread = [each["labelSelector"] for each in pod_of(ingest)["topologySpreadConstraints"]]
    assert all(selector["matchLabels"].items() <= labels.items() for selector in [budget["selector"], *spread])


def test_it_opens_the_ways_to_its_servers_and_no_others(objects: list[Manifest]) -> None:
    assert ways(objects, "ingress", "from") == ways(render(EVERYTHING), "ingress", "from")
    opened = ways(objects, "egress", "to") - ways(render(EVERYTHING), "egress", "to")
    assert opened == {("ingest", "postgres", 5432), ("ingest", "redis", 6379)}


def test_every_container_is_locked_down_as_before(objects: list[Manifest]) -> None:
    before = [container_of(workload)["securityContext"] for workload in workloads(render(EVERYTHING))]
    assert sorted(map(str, before)) == sorted(str(container_of(each)["securityContext"]) for each in workloads(objects))
