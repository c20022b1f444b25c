"""Reads a kustomization as `kubectl kustomize` does, for the few features that ours use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[3]
KUSTOMIZE = ROOT / "infra/kustomize"
EVERYTHING = KUSTOMIZE / "with-scheduler"
_KNOWN = {"apiVersion", "kind", "resources", "configMapGenerator"}


def render(folder: Path) -> list[Manifest]:
    """Every object below ``folder``, in order; generated ConfigMaps keep their plain names."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    unknown = set(kustomization) - _KNOWN
    assert not unknown, f"{folder}: teach this reader {unknown}"
    objects: list[Manifest] = []
    for resource in kustomization.get("resources", []):
        path = (folder / resource).resolve()
        objects.extend(render(path) if path.is_dir() else documents(path))
    objects.extend(_config_map(folder, generator) for generator in kustomization.get("configMapGenerator", []))
    return objects


def documents(path: Path) -> Iterator[Manifest]:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert isinstance(document, dict), f"{path} holds an empty document"
        yield document


def _config_map(folder: Path, generator: Manifest) -> Manifest:
    assert set(generator) == {"name", "namespace", "files"}, f"{folder}: teach this reader {set(generator)}"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": generator["name"], "namespace": generator["namespace"]},
        "data": {name: (folder / name).read_text(encoding="utf-8") for name in generator["files"]},
    }


def identity(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return "/".join((manifest["kind"], metadata.get("namespace", ""), metadata["name"]))


def find(objects: list[Manifest], kind: str, name: str) -> Manifest:
    found = [manifest for manifest in objects if manifest["kind"] == kind and manifest["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def workloads(objects: list[Manifest]) -> list[Manifest]:
    return [manifest for manifest in objects if manifest["kind"] in {"DaemonSet", "Deployment"}]


def pod_of(workload: Manifest) -> Manifest:
    pod: Manifest = workload["spec"]["template"]["spec"]
    return pod


def environment_of(workload: Manifest) -> dict[str, str]:
    """Of its container; what the kubelet fills in from the pod stands as the field's path."""
    variables = container_of(workload).get("env", [])
    return {each["name"]: each.get("value") or each["valueFrom"]["fieldRef"]["fieldPath"] for each in variables}


def container_of(workload: Manifest) -> Manifest:
    pod = pod_of(workload)
    assert "initContainers" not in pod
    assert len(pod["containers"]) == 1
    container: Manifest = pod["containers"][0]
    return container
