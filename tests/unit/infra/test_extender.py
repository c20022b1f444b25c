"""What the Deployment gives the extender is what the extender looks for."""

from pathlib import Path

import pytest

from scheduler_extender.settings import SETTINGS_FILE, ExtenderSettings, read_settings
from tests.unit.infra.kustomization import Manifest, container_of, find, pod_of


@pytest.fixture
def extender(objects: list[Manifest]) -> Manifest:
    return find(objects, "Deployment", "leeward-extender")


def test_the_settings_lie_where_it_reads_them(extender: Manifest) -> None:
    container = container_of(extender)
    state = Path(container["args"][-1])
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert Path(mounts["state"]["mountPath"]) == state
    assert Path(mounts["settings"]["mountPath"]) == state / SETTINGS_FILE
    assert mounts["settings"]["subPath"] == SETTINGS_FILE


def test_the_settings_are_those_of_the_config_map(extender: Manifest, objects: list[Manifest], tmp_path: Path) -> None:
    (volume,) = [volume for volume in pod_of(extender)["volumes"] if volume["name"] == "settings"]
    data = find(objects, "ConfigMap", volume["configMap"]["name"])["data"]
    assert set(data) == {SETTINGS_FILE}
    (tmp_path / SETTINGS_FILE).write_text(data[SETTINGS_FILE])
    assert read_settings(tmp_path) == ExtenderSettings()


def test_it_finds_the_cluster_by_its_token_and_is_told_of_no_other(extender: Manifest) -> None:
    assert pod_of(extender)["automountServiceAccountToken"] is True
    assert "--api-server" not in container_of(extender)["args"]
    told = {variable["name"] for variable in container_of(extender)["env"]}
    assert not {name for name in told if name.startswith("KUBERNETES_")}, "the kubelet says where the API server is"


def test_scores_wait_for_no_cpu_quota(extender: Manifest) -> None:
    assert "cpu" not in container_of(extender)["resources"]["limits"]


def test_profiles_come_from_the_service_of_ingest(extender: Manifest, objects: list[Manifest]) -> None:
    (url,) = [each["value"] for each in container_of(extender)["env"] if each["name"] == "LEEWARD_PROFILES_URL"]
    service = find(objects, "Service", "leeward-ingest")
    assert service["metadata"]["namespace"] == extender["metadata"]["namespace"]
    assert url == f"http://leeward-ingest:{service['spec']['ports'][0]['port']}"
