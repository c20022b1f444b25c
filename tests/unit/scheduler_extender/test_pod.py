"""What placement reads of a Pod."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.profile import ContainerShape, profile_key
from scheduler_extender.errors import PodError
from scheduler_extender.pod import Enforcement, Pod, parse_pod
from scheduler_extender.wire import parse_args
from tests.unit.scheduler_extender.small_cluster import captured, pod_object


def read(**changes: Any) -> Pod:
    return parse_pod(json.dumps(pod_object("u", **changes)))


def test_the_captured_pods_say_who_they_are() -> None:
    upf, firewall, batch = (
        parse_args(captured(f"filter-{name}-names-16"), limit_bytes=10**6).pod for name in ("upf", "firewall", "batch")
    )
    assert (upf.full_name, upf.key, upf.max_slowdown) == ("default/upf-large-0", "upf-large", 1.1)
    assert upf.enforcement is Enforcement.REQUIRED
    requests = {"cpu": "8", "hugepages-1Gi": "4Gi", "intel.com/sriov_netdevice": "1", "memory": "8Gi"}
    shape = ContainerShape("registry.example/firewall:1.4.2", requests)
    assert firewall.key == profile_key(labels={}, containers=[shape])
    assert (firewall.max_slowdown, firewall.enforcement, firewall.complaints) == (None, None, ())
    assert (batch.max_slowdown, batch.enforcement) == (2.0, None)
    assert (upf.exclusive_cpus, firewall.exclusive_cpus, batch.exclusive_cpus) == (16, 8, 12)
    assert not any(pod.finished or pod.node for pod in (upf, firewall, batch))


def test_a_node_knows_a_static_pod_by_its_manifests_digest_and_any_other_by_its_uid() -> None:
    assert read().node_uid == "u"
    digest = "5f3b0c1d9e8a7f6b5c4d3e2f1a0b9c8d"
    mirror = read(annotations={"kubernetes.io/config.hash": digest, "kubernetes.io/config.mirror": digest})
    assert (mirror.uid, mirror.node_uid) == ("u", digest)


@pytest.mark.parametrize(
    ("cpus", "qos", "exclusive"),
    [("4", "Guaranteed", 4), ("4000m", "", 4), ("1500m", "Guaranteed", 0), ("1.5", "", 0), ("4", "Burstable", 0)],
)
def test_only_whole_cpus_of_a_guaranteed_pod_are_its_own(cpus: str, qos: str, exclusive: int) -> None:
    assert read(cpus=cpus, qos=qos).exclusive_cpus == exclusive


def test_a_pod_counts_as_finished_when_it_runs_no_more() -> None:
    assert [read(phase=phase).finished for phase in ("Pending", "Running", "Succeeded", "Failed")] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("text", ["fast", "", "0.9", "-2", "nan", "inf", "1.1x"])
def test_a_max_slowdown_that_is_none_is_named_and_the_default_holds(text: str) -> None:
    pod = read(annotations={"leeward.dev/max-slowdown": text})
    assert pod.max_slowdown is None
    assert pod.complaints == (
        f"annotation leeward.dev/max-slowdown is {text!r}: a number from 1 up is meant, so the default holds",
    )


def test_an_enforcement_that_is_none_is_named_and_the_default_holds() -> None:
    pod = read(annotations={"leeward.dev/enforcement": "Required"})
    assert pod.enforcement is None
    assert pod.complaints[0].startswith("annotation leeward.dev/enforcement is 'Required': required or preferred is")
    assert read(annotations={"leeward.dev/enforcement": "preferred"}).complaints == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "Pod is refused: Input data was truncated"),
        (b"[]", r"Pod is refused: Expected `object`, got `array`"),
        (b'{"metadata": {}}', r"Object missing required field `name` - at `\$.metadata`"),
        (b'{"metadata": {"name": ""}}', r"metadata.name is empty"),
        (b'{"metadata": {"name": "x"}, "status": {"startTime": "yesterday"}}', r"at `\$.status.startTime`"),
        (b'{"metadata": {"name": "x"}, "status": {"startTime": "2026-01-01T00:00:00"}}', r"timezone"),
    ],
)
def test_what_is_no_pod_is_refused_with_the_place(content: bytes, complaint: str) -> None:
    with pytest.raises(PodError, match=complaint):
        parse_pod(content)


@given(st.binary() | st.text().map(str.encode) | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
def test_anything_else_is_refused_too(content: bytes) -> None:
    with pytest.raises(PodError):
        parse_pod(content)
