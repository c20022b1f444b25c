"""Whatever is sent, the answer is lawful: ``tests.fuzz`` in short."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from scheduler_extender.errors import ArgsError
from scheduler_extender.service import Answer
from scheduler_extender.wire import NAMED_BYTES, parse_args
from tests.fuzz.extender_bodies import fuzz
from tests.fuzz.fuzzed_extender import fill, in_process, over_http
from tests.fuzz.lawful import refuse_unlawful
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.asking import Client, serving
from tests.unit.scheduler_extender.small_cluster import args, pod_object

POD = b'{"metadata": {"name": "x"}}'
BOTTOMLESS = 2**30


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("fuzzed"))


@pytest.mark.slow
def test_two_thousand_bodies_are_answered_lawfully_in_process_and_over_http(state: Path) -> None:
    with over_http(state) as far:
        near = in_process(state)
        course = fuzz(near, far, count=2_000, seed=1)
    assert course.asked >= 2_000
    assert min(near.statuses().values()) > 0, "some status was never reached, so bodies are too tame"
    assert far.statuses()[200] > 0
    assert near.extender.metrics.value("failed_nodes_total") > 0
    assert near.extender.metrics.value("annotations_refused_total") > 0


def whole(*nodes: bytes) -> bytes:
    return b'{"Pod": ' + POD + b', "Nodes": {"items": [' + b",".join(nodes) + b"]}}"


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(b'{"metadata": {"name": "\xff"}}', id="in its name"),
        pytest.param(b'{"metadata": {"name": "a"}, "kind": "\xff"}', id="where nobody reads"),
        pytest.param(b'{"metadata": {"name": "a"}, "kind": "\xed\xa0\x80"}', id="half a surrogate pair"),
    ],
)
def test_a_whole_node_that_is_no_text_is_refused_since_it_would_go_back(node: bytes) -> None:
    good = b'{"metadata": {"name": "b"}}'
    with pytest.raises(ArgsError, match=r"body is not JSON: 'utf-8' codec can't decode .* of Nodes.items\[1\]"):
        parse_args(whole(good, node), limit_bytes=BOTTOMLESS)


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("Pod", b'{"Pod": {"metadata": {"name": "x"}, "spec": {"containers": [%s{}]}}, "NodeNames": []}'),
        ("Pod", b'{"Pod": {"metadata": {"name": "x"}, "stranger": [%s{}]}, "NodeNames": []}'),
        ("NodeNames", b'{"Pod": {"metadata": {"name": "x"}}, "NodeNames": [%s{}]}'),
    ],
    ids=["containers", "what nobody reads", "names"],
)
def test_a_part_that_is_larger_than_any_object_is_refused_before_it_is_read(part: str, body: bytes) -> None:
    with pytest.raises(ArgsError, match=f"{part} has .* bytes, at most {NAMED_BYTES} are taken") as refusal:
        parse_args(body.replace(b"%s", b"{}," * (NAMED_BYTES // 3)), limit_bytes=BOTTOMLESS)
    assert refusal.value.status == 413


def test_megabytes_of_what_are_no_nodes_end_at_the_first() -> None:
    with pytest.raises(ArgsError, match=r"got `int` - at `\$.Nodes.items\[0\]`"):
        parse_args(whole(*([b"0"] * NAMED_BYTES)), limit_bytes=BOTTOMLESS)


def test_whole_nodes_may_be_larger_than_that() -> None:
    padded = b'{"metadata": {"name": "a"}, "kind": "' + b"x" * NAMED_BYTES + b'"}'
    assert parse_args(whole(padded), limit_bytes=BOTTOMLESS).names == ["a"]


def with_containers(containers: list[dict[str, Any]]) -> bytes:
    return args({"metadata": {"name": "x"}, "spec": {"containers": containers}}, "a")


def with_resources(count: int) -> bytes:
    return with_containers([{"resources": {"requests": {f"device{index}": "1" for index in range(count)}}}])


@pytest.mark.parametrize(
    ("most", "more", "where"),
    [
        (with_containers([{}] * 256), with_containers([{}] * 257), r"containers`"),
        (with_resources(64), with_resources(65), r"containers\[0\].resources.requests`"),
    ],
    ids=["containers", "resources"],
)
def test_a_pod_of_more_parts_than_any_has_is_refused(most: bytes, more: bytes, where: str) -> None:
    assert parse_args(most, limit_bytes=BOTTOMLESS).names == ["a"]
    with pytest.raises(ArgsError, match=rf"of length <= \d+ - at `\$.Pod.spec.{where}"):
        parse_args(more, limit_bytes=BOTTOMLESS)


@pytest.mark.parametrize("field", ["name", "namespace", "uid"])
def test_what_is_kept_and_logged_of_a_pod_is_short(field: str) -> None:
    pod = pod_object("u")
    pod["metadata"][field] = "x" * 1000
    with pytest.raises(ArgsError, match=rf"Expected `str` of length <= \d+ - at `\$.Pod.metadata.{field}`"):
        parse_args(args(pod, "a"), limit_bytes=BOTTOMLESS)


def test_a_scheduler_that_goes_away_in_the_middle_is_counted_as_a_bad_request(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counted = b'requests_total{status="400",verb="filter"} 1.0'
    with serving(state) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /filter HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        eventually(lambda: counted in Client(port).answered("GET", "/metrics").content)
    assert not [record for record in caplog.records if record.exc_info]


class TestTheCheckItself:
    """It would see an unlawful answer."""

    BODY = args(pod_object("u"), "a", "b")

    @pytest.mark.parametrize(
        ("verb", "answer"),
        [
            ("filter", Answer(content=b"{}", status=500)),
            ("filter", Answer(content=b'{"Error": ""}', status=400)),
            ("filter", Answer(content=b'{"Error": "%s"}' % (b"x" * 3000), status=400)),
            ("filter", Answer(content=b"\xff")),
            ("prioritize", Answer(content=b'[{"Host": "a", "Score": 1}]')),
            ("prioritize", Answer(content=b'[{"Host": "a", "Score": 1}, {"Host": "b", "Score": 11}]')),
            ("prioritize", Answer(content=b'[{"Host": "a", "Score": 1}, {"Host": "b", "Score": 1.0}]')),
            ("prioritize", Answer(content=b'[{"Host": "a", "Score": 1}, {"Host": "c", "Score": 1}]')),
        ],
        ids=["500", "says nothing", "repeats", "no text", "one missing", "11", "1.0", "a stranger"],
    )
    def test_unlawful(self, verb: str, answer: Answer) -> None:
        with pytest.raises((AssertionError, UnicodeDecodeError)):
            refuse_unlawful(verb, self.BODY, answer)

    @pytest.mark.parametrize(
        "changes",
        [{"NodeNames": None, "Nodes": {"items": []}}, {"NodeNames": ["a", "b", "c"]}, {"NodeNames": ["a"]}],
        ids=["the other form", "a stranger", "one lost"],
    )
    def test_unlawful_filter(self, changes: dict[str, object]) -> None:
        lawful: dict[str, object] = {
            "Nodes": None,
            "NodeNames": ["a", "b"],
            "FailedNodes": {},
            "FailedAndUnresolvableNodes": {},
            "Error": "",
        }
        refuse_unlawful("filter", self.BODY, Answer(content=json.dumps(lawful).encode()))
        with pytest.raises(AssertionError):
            refuse_unlawful("filter", self.BODY, Answer(content=json.dumps(lawful | changes).encode()))
