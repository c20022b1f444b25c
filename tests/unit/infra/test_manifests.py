"""Every object is what Kubernetes' published schemas allow, and the objects fit each other."""

import copy
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.unit.infra.kustomization import (
    CLUSTER_STORE,
    EVERYTHING,
    KUSTOMIZE,
    Manifest,
    container_of,
    find,
    identity,
    is_component,
    kustomization_of,
    pod_of,
    render,
    workloads,
)

NAMESPACE = "leeward-system"
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
REGISTRY = {"app.kubernetes.io/name": "mlflow"}
"""Of the registry of models, which is others' to run."""
KUBERNETES = kubernetes_validate.latest_version()
CLUSTER_SCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


@pytest.mark.parametrize("manifest", render(EVERYTHING), ids=identity)
def test_object_obeys_the_published_schema(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_validation_refuses_an_unknown_field(objects: list[Manifest]) -> None:
    misspelt = copy.deepcopy(find(objects, "DaemonSet", "leeward-agent"))
    container_of(misspelt)["securityContext"]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        kubernetes_validate.validate(misspelt, KUBERNETES, strict=True)


def test_no_object_stands_there_twice(objects: list[Manifest]) -> None:
    twice = [name for name, count in Counter(map(identity, objects)).items() if count > 1]
    assert not twice


def test_base_has_no_scheduler() -> None:
    assert not [manifest for manifest in render(KUSTOMIZE / "base") if "scheduler" in manifest["metadata"]["name"]]


def test_every_file_is_reached() -> None:
    reached: set[Path] = set()

    def walk(folder: Path) -> None:
        kustomization = kustomization_of(folder)
        reached.add(folder / "kustomization.yaml")
        reached.update(folder / patch["path"] for patch in kustomization.get("patches", []))
        for generator in kustomization.get("configMapGenerator", []):
            reached.update(folder / name for name in generator["files"])
        for resource in kustomization["resources"]:
            path = (folder / resource).resolve()
            if path.is_dir():
                walk(path)
            else:
                reached.add(path)

    walk(EVERYTHING)
    walk(CLUSTER_STORE)
    assert {path for path in KUSTOMIZE.rglob("*") if path.is_file()} == reached


def test_namespaces(objects: list[Manifest]) -> None:
    for manifest in objects:
        namespace = manifest["metadata"].get("namespace")
        if manifest["kind"] in CLUSTER_SCOPED:
            assert namespace is None, identity(manifest)
        elif manifest["metadata"]["name"] == "leeward-scheduler-authentication-reader":
            assert namespace == "kube-system"
        else:
            assert namespace == NAMESPACE, identity(manifest)


def test_workloads_select_their_own_pods(objects: list[Manifest]) -> None:
    assert len(workloads(objects)) == 5
    for workload in workloads(objects):
        name = workload["metadata"]["name"]
        selector = workload["spec"]["selector"]["matchLabels"]
        assert selector == {"app.kubernetes.io/name": name}
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert selector.items() <= labels.items()
        assert labels == workload["metadata"]["labels"]
        for constraint in pod_of(workload).get("topologySpreadConstraints", []):
            assert constraint["labelSelector"]["matchLabels"] == selector


def test_every_other_selector_finds_a_workload(objects: list[Manifest]) -> None:
    pods = [workload["spec"]["template"]["metadata"]["labels"] for workload in workloads(objects)]
    selectors = [manifest["spec"]["selector"] for manifest in objects if manifest["kind"] == "Service"]
    selectors.append(find(objects, "PodDisruptionBudget", "leeward-extender")["spec"]["selector"]["matchLabels"])
    policies = [manifest for manifest in objects if manifest["kind"] == "NetworkPolicy"]
    selectors.extend(policy["spec"]["podSelector"].get("matchLabels", {}) for policy in policies)
    selectors.remove(REGISTRY)
    for selector in selectors:
        assert any(selector.items() <= labels.items() for labels in pods), selector


def test_service_account_exists_for_each_workload_and_who_has_a_role_gets_a_token(objects: list[Manifest]) -> None:
    bound = {
        subject["name"]
        for binding in objects
        if binding["kind"] == "ClusterRoleBinding"
        for subject in binding["subjects"]
    }
    for workload in workloads(objects):
        name = workload["metadata"]["name"]
        assert pod_of(workload)["serviceAccountName"] == name
        assert find(objects, "ServiceAccount", name)["automountServiceAccountToken"] is False
        assert pod_of(workload)["automountServiceAccountToken"] is (name in bound)


def test_images_are_pinned_and_name_no_registry(objects: list[Manifest]) -> None:
    for workload in workloads(objects):
        image = container_of(workload)["image"]
        repository, tag = image.rsplit(":", 1)
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), image
        assert "." not in repository.split("/")[0], image


def test_volumes_and_mounts_match(objects: list[Manifest]) -> None:
    for workload in workloads(objects):
        volumes = [volume["name"] for volume in pod_of(workload)["volumes"]]
        mounts = [mount["name"] for mount in container_of(workload)["volumeMounts"]]
        assert sorted(volumes) == sorted(mounts)


def test_every_empty_volume_has_a_limit_below_the_containers(objects: list[Manifest]) -> None:
    for workload in workloads(objects):
        if workload["metadata"]["name"] == "leeward-scheduler":
            continue
        empty = [volume["emptyDir"]["sizeLimit"] for volume in pod_of(workload)["volumes"] if "emptyDir" in volume]
        assert empty
        resources = container_of(workload)["resources"]
        assert sum(map(_mebibytes, empty)) <= _mebibytes(resources["requests"]["ephemeral-storage"])
        assert _mebibytes(resources["requests"]["memory"]) <= _mebibytes(resources["limits"]["memory"])


def _mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


@pytest.mark.parametrize(
    ("server", "arguments"),
    [
        ("extender", ["extender", "serve", "--port", "8888"]),
        ("ingest", ["ingest", "serve", "--host", "0.0.0.0", "--port", "8080"]),
        ("models", ["models", "serve", "--port", "8080"]),
    ],
)
def test_ports_agree(server: str, arguments: list[str], objects: list[Manifest]) -> None:
    container = container_of(find(objects, "Deployment", f"leeward-{server}"))
    (port,) = container["ports"]
    (service_port,) = find(objects, "Service", f"leeward-{server}")["spec"]["ports"]
    (ingress,) = find(objects, "NetworkPolicy", f"leeward-{server}")["spec"]["ingress"]
    assert port["containerPort"] == service_port["port"] == ingress["ports"][0]["port"] == int(arguments[-1])
    assert service_port["targetPort"] == port["name"]
    assert container["args"] == [*arguments, "--state", "/var/lib/leeward"]
    ready = "/readyz" if server == "extender" else "/healthz"
    paths = ("/healthz", ready, "/healthz")
    assert [container[probe]["httpGet"] for probe in PROBES] == [{"path": path, "port": port["name"]} for path in paths]


@pytest.mark.parametrize(("server", "scraped"), [("extender", True), ("ingest", True), ("models", False)])
def test_who_has_metrics_is_scraped(server: str, scraped: bool, objects: list[Manifest]) -> None:
    deployment = find(objects, "Deployment", f"leeward-{server}")
    (port,) = container_of(deployment)["ports"]
    annotations = deployment["spec"]["template"]["metadata"].get("annotations", {})
    told = {"prometheus.io/scrape": "true", "prometheus.io/port": str(port["containerPort"])}
    assert annotations == (told if scraped else {})


def test_extender_survives_a_drain_and_what_runs_once_holds_none_up(objects: list[Manifest]) -> None:
    replicas = find(objects, "Deployment", "leeward-extender")["spec"]["replicas"]
    (budget,) = [manifest for manifest in objects if manifest["kind"] == "PodDisruptionBudget"]
    assert budget["metadata"]["name"] == "leeward-extender"
    assert 0 < budget["spec"]["minAvailable"] < replicas


def test_one_ingest_at_a_time_has_the_store(objects: list[Manifest]) -> None:
    ingest = find(objects, "Deployment", "leeward-ingest")
    assert (ingest["spec"]["replicas"], ingest["spec"]["strategy"]) == (1, {"type": "Recreate"})
    claims = [volume["persistentVolumeClaim"] for volume in pod_of(ingest)["volumes"] if "emptyDir" not in volume]
    assert claims == [{"claimName": find(objects, "PersistentVolumeClaim", "leeward-ingest")["metadata"]["name"]}]
    assert find(objects, "PersistentVolumeClaim", "leeward-ingest")["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert pod_of(ingest)["securityContext"]["fsGroup"] == pod_of(ingest)["securityContext"]["runAsGroup"]


def test_agents_hear_of_one_champion(objects: list[Manifest]) -> None:
    assert find(objects, "Deployment", "leeward-models")["spec"]["replicas"] == 1


def test_agent_runs_on_sapphire_rapids_alone(objects: list[Manifest]) -> None:
    pod = pod_of(find(objects, "DaemonSet", "leeward-agent"))
    cpu = "feature.node.kubernetes.io/cpu-model"
    wanted = {f"{cpu}.vendor_id": "Intel", f"{cpu}.family": "6", f"{cpu}.id": "143"}
    assert wanted.items() <= pod["nodeSelector"].items()
    assert pod["tolerations"] == [{"operator": "Exists"}]


OLDEST_KUSTOMIZE = 5
"""Earlier ones, kubectl's before 1.27 among them, render some of these folders otherwise."""


def kustomize_major() -> int:
    """Major version of the kustomize that kubectl has built in; 0 without kubectl."""
    if shutil.which("kubectl") is None:
        return 0
    command = ["kubectl", "version", "--client", "--output", "json"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    found = re.search(r'"kustomizeVersion": "v(\d+)', said)
    return int(found[1]) if found else 0


@pytest.mark.skipif(
    kustomize_major() < OLDEST_KUSTOMIZE,
    reason="compares with kustomize 5, which kubectl has built in from 1.27 on; no such kubectl is installed",
)
@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in KUSTOMIZE.glob("*/kustomization.yaml")), ids=lambda p: p.name
)
def test_kustomize_renders_the_same(folder: Path, tmp_path: Path) -> None:
    objects = render(folder) if not is_component(folder) else render(KUSTOMIZE / "base", component=folder)
    if is_component(folder):
        base, component = (os.path.relpath(path, tmp_path.resolve()) for path in (KUSTOMIZE / "base", folder))
        (tmp_path / "kustomization.yaml").write_text(f"resources: [{base}]\ncomponents: [{component}]\n")
        folder = tmp_path
    process = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    rendered = process.stdout
    for generated in (manifest for manifest in objects if manifest["kind"] == "ConfigMap"):
        name = generated["metadata"]["name"]
        (hashed,) = set(re.findall(rf"\b{name}-[a-z0-9]{{10}}$", rendered, flags=re.MULTILINE))
        rendered = rendered.replace(hashed, name)
    theirs = {identity(manifest): manifest for manifest in yaml.safe_load_all(rendered)}
    assert theirs == {identity(manifest): manifest for manifest in objects}
