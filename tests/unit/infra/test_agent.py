"""What the DaemonSet tells the agent is what the agent understands, and where it sends is where somebody listens."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.settings import AgentSettings
from agent.settings_field import setting_fields
from agent.settings_sources import NODE_NAME, settings_of, variable_of
from serving.bundle_archive import LARGEST_ARCHIVE_BYTES
from tests.unit.infra.kustomization import Manifest, container_of, environment_of, find, pod_of

SPOOLS = 2
"""The present one, and one of another version that was set aside."""
BUNDLES = 3
"""The champion's, the one before, and one that arrives."""


@pytest.fixture
def agent(objects: list[Manifest]) -> Manifest:
    return find(objects, "DaemonSet", "leeward-agent")


@pytest.fixture
def settings(agent: Manifest) -> AgentSettings:
    """What the agent makes of its environment."""
    return settings_of(told={}, environment=environment_of(agent))


def test_every_variable_is_a_setting(agent: Manifest) -> None:
    known = {variable_of(key) for key in setting_fields(AgentSettings)} | {NODE_NAME}
    assert set(environment_of(agent)) <= known


def test_it_is_told_its_node(agent: Manifest, settings: AgentSettings) -> None:
    (node,) = [variable for variable in container_of(agent)["env"] if variable["name"] == NODE_NAME]
    assert node["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert settings.node == environment_of(agent)[NODE_NAME]


@pytest.mark.parametrize(("setting", "service"), [("model_url", "leeward-models"), ("ingest_url", "leeward-ingest")])
def test_the_servers_that_it_is_told_of_exist(
    setting: str, service: str, settings: AgentSettings, agent: Manifest, objects: list[Manifest]
) -> None:
    url = urlsplit(getattr(settings, setting))
    (port,) = find(objects, "Service", service)["spec"]["ports"]
    assert (url.scheme, url.hostname, url.port, url.path) == ("http", service, port["port"], "")
    namespaces = {manifest["metadata"]["namespace"] for manifest in (agent, find(objects, "Service", service))}
    assert len(namespaces) == 1, "a bare name is looked for in the agent's own namespace"


def test_it_listens_where_scrapers_and_probes_ask(
    agent: Manifest, settings: AgentSettings, objects: list[Manifest]
) -> None:
    (port,) = container_of(agent)["ports"]
    assert settings.listen_address == ("0.0.0.0", port["containerPort"])
    annotations = agent["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": str(port["containerPort"])}
    (ingress,) = find(objects, "NetworkPolicy", "leeward-agent")["spec"]["ingress"]
    assert [open_port["port"] for open_port in ingress["ports"]] == [port["containerPort"]]
    asked = {probe: container_of(agent)[probe]["httpGet"] for probe in ("startupProbe", "readinessProbe")}
    assert asked == {
        "startupProbe": {"path": "/livez", "port": port["name"]},
        "readinessProbe": {"path": "/readyz", "port": port["name"]},
    }
    assert container_of(agent)["livenessProbe"]["httpGet"] == {"path": "/livez", "port": port["name"]}


def test_spool_and_models_have_room_in_the_state_directory(agent: Manifest, settings: AgentSettings) -> None:
    (state,) = [volume["emptyDir"] for volume in pod_of(agent)["volumes"] if "emptyDir" in volume]
    (mount,) = [mount["mountPath"] for mount in container_of(agent)["volumeMounts"] if mount["name"] == "state"]
    assert f"--state={mount}" in container_of(agent)["args"]
    assert state["sizeLimit"].endswith("Mi")
    room_bytes = int(state["sizeLimit"].removesuffix("Mi")) << 20
    assert SPOOLS * settings.spool_bytes + BUNDLES * LARGEST_ARCHIVE_BYTES <= room_bytes


def test_it_finds_the_hosts_trees_below_what_is_mounted(agent: Manifest) -> None:
    (host,) = [Path(mount["mountPath"]) for mount in container_of(agent)["volumeMounts"] if mount["name"] == "sys"]
    told = dict(argument.split("=", 1) for argument in container_of(agent)["args"] if "=" in argument)
    assert {option: Path(told[option]) for option in ("--sys", "--resctrl", "--cgroup")} == {
        "--sys": host,
        "--resctrl": host / "fs/resctrl",
        "--cgroup": host / "fs/cgroup",
    }
