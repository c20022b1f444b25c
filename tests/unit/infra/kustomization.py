"""Reads a kustomization as `kubectl kustomize` does, for the few features that ours use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[3]
KUSTOMIZE = ROOT / "infra/kustomize"
EVERYTHING = KUSTOMIZE / "with-scheduler"
CLUSTER_STORE = KUSTOMIZE / "cluster-store"
_KNOWN = {"apiVersion", "kind", "resources", "configMapGenerator"}


def is_component(folder: Path) -> bool:
    """Whether it changes what another folder has, and is nothing by itself."""
    kind: str = kustomization_of(folder)["kind"]
    return kind == "Component"


def kustomization_of(folder: Path) -> Manifest:
    kustomization: Manifest = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return kustomization


def render(folder: Path, *, component: Path | None = None) -> list[Manifest]:
    """Every object below ``folder``, in order; generated ConfigMaps keep their plain names."""
    kustomization = kustomization_of(folder)
    unknown = set(kustomization) - _KNOWN
    assert not unknown, f"{folder}: teach this reader {unknown}"
    objects: list[Manifest] = []
    for resource in kustomization.get("resources", []):
        path = (folder / resource).resolve()
        objects.extend(render(path) if path.is_dir() else documents(path))
    objects.extend(_config_map(folder, generator) for generator in kustomization.get("configMapGenerator", []))
    return objects if component is None else _changed(objects, component)


def _changed(objects: list[Manifest], component: Path) -> list[Manifest]:
    """With the component's own objects, and its strategic merge patches."""
    kustomization = kustomization_of(component)
    assert set(kustomization) == {"apiVersion", "kind", "resources", "patches"}, f"{component}: teach this reader"
    by_identity = {identity(manifest): manifest for manifest in objects}
    for resource in kustomization["resources"]:
        by_identity |= {identity(manifest): manifest for manifest in documents(component / resource)}
    for patch in kustomization["patches"]:
        assert set(patch) == {"path"}, f"{component}: teach this reader {patch}"
        for wanted in documents(component / patch["path"]):
            there = by_identity.pop(identity(wanted))
            if wanted.pop("$patch", None) != "delete":
                by_identity[identity(there)] = _merged(there, wanted)
    return list(by_identity.values())


def _merged(there: Any, wanted: Any) -> Any:
    """As kustomize merges: null takes away, lists of named things are merged by name, other lists replaced."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        merged = there | {key: _merged(there.get(key), value) for key, value in wanted.items()}
        return {key: value for key, value in merged.items() if value is not None}
    if _is_named(there) and _is_named(wanted):
        by_name = {each["name"]: each for each in there}
        changed = [_merged(by_name.pop(each["name"], {}), each) for each in wanted]
        return changed + list(by_name.values())
    return wanted


def _is_named(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, dict) and "name" in each for each in found)


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
