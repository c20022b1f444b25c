"""What the pods may do on a node: as little as their work needs."""

import pytest

from tests.unit.infra.kustomization import Manifest, container_of, find, pod_of, workloads

AGENT = ("DaemonSet", "leeward-agent")
RESTRICTED = [("Deployment", f"leeward-{name}") for name in ("extender", "ingest", "models", "scheduler")]


@pytest.mark.parametrize("key", ["hostNetwork", "hostPID", "hostIPC"])
def test_no_workload_shares_a_host_namespace(key: str, objects: list[Manifest]) -> None:
    assert not [workload["metadata"]["name"] for workload in workloads(objects) if key in pod_of(workload)]


def test_every_container_is_locked_down(objects: list[Manifest]) -> None:
    for workload in workloads(objects):
        context = container_of(workload)["securityContext"]
        assert context["privileged"] is False
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"]["drop"] == ["ALL"]
        assert pod_of(workload)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "hostPort" not in str(container_of(workload))


def test_agent_adds_perfmon_and_nothing_else(objects: list[Manifest]) -> None:
    context = container_of(find(objects, *AGENT))["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["PERFMON"]}


def test_nothing_asks_for_raw_io_or_administration(objects: list[Manifest]) -> None:
    for workload in workloads(objects):
        text = str(workload)
        for capability in ("SYS_RAWIO", "SYS_ADMIN", "SYS_PTRACE", "DAC_"):
            assert capability not in text


def test_agent_sees_the_hosts_sysfs_read_only_all_the_way_down(objects: list[Manifest]) -> None:
    agent = find(objects, *AGENT)
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod_of(agent)["volumes"] if "hostPath" in volume}
    assert paths == {"sys": "/sys"}
    (mount,) = [mount for mount in container_of(agent)["volumeMounts"] if mount["name"] in paths]
    assert mount["readOnly"] is True
    assert mount["recursiveReadOnly"] == "Enabled"
    assert "mountPropagation" not in mount, "recursive read-only mounts forbid propagation"


def test_agent_stays_small(objects: list[Manifest]) -> None:
    agent = find(objects, *AGENT)
    assert container_of(agent)["resources"]["requests"]["cpu"] == "10m"
    assert container_of(agent)["resources"]["limits"]["memory"] == "192Mi"
    assert pod_of(agent)["priorityClassName"] == "system-node-critical"
    assert agent["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] == "10%"


@pytest.mark.parametrize("workload", RESTRICTED, ids=lambda workload: workload[1])
def test_the_others_keep_to_the_restricted_pod_security_standard(
    workload: tuple[str, str], objects: list[Manifest]
) -> None:
    manifest = find(objects, *workload)
    pod = pod_of(manifest)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert container_of(manifest)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {key for volume in pod["volumes"] for key in volume} <= {
        "name",
        "emptyDir",
        "configMap",
        "persistentVolumeClaim",
    }


def test_namespace_admits_the_agent(objects: list[Manifest]) -> None:
    labels = find(objects, "Namespace", "leeward-system")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
