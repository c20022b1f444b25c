"""kube-scheduler's bodies in, answers that it understands out."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_extender.errors import ArgsError
from scheduler_extender.wire import (
    Args,
    encode_filter,
    encode_priorities,
    encode_refusal,
    parse_args,
    refuse_foreign_names,
    refuse_repeats,
)
from tests.unit.scheduler_extender.small_cluster import DATA, args, captured, pod_object

LIMIT = 10**7
BODIES = sorted(path.stem for path in DATA.glob("*-*.json"))

node_names = st.lists(
    st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True), min_size=0, max_size=20, unique=True
)


def parsed(body: bytes) -> Args:
    return parse_args(body, limit_bytes=LIMIT)


@pytest.mark.parametrize("name", BODIES)
def test_every_captured_body_is_read(name: str) -> None:
    raw = json.loads(captured(name))
    found = parsed(captured(name))
    expected = raw["NodeNames"] or [node["metadata"]["name"] for node in raw["Nodes"]["items"]]
    assert list(found.names) == expected
    assert (found.whole_nodes is None) is (raw["Nodes"] is None)
    assert found.pod.name == raw["Pod"]["metadata"]["name"]


def test_bodies_of_both_forms_and_of_5000_nodes_are_among_them() -> None:
    assert len(BODIES) == 10
    assert len(parsed(captured("prioritize-upf-names-5000")).names) == 5000


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "body is not JSON: Input data was truncated"),
        (b"kube", r"body is not JSON: JSON is malformed: invalid character \(byte 0\)"),
        (captured("filter-upf-names-16")[:-40], "body is not JSON: "),
        (b'{"Pod": {"metadata": {"name": "\xff"}}}', "body is not JSON: .*invalid"),
        (b'{"Pod":' + b"[" * 100_000, "body is no"),
        (b"[]", "body is no ExtenderArgs: Expected `object`, got `array`"),
        (b"{}", "body is no ExtenderArgs: Object missing required field `Pod`"),
        (b'{"Pod": null, "NodeNames": []}', r"body is no ExtenderArgs: Expected `object`, got `null` - at `\$.Pod`"),
        (b'{"Pod": {}, "NodeNames": []}', r"Object missing required field `metadata` - at `\$.Pod`"),
        (b'{"Pod": {"metadata": {"name": ""}}, "NodeNames": []}', "metadata.name is empty"),
        (b'{"Pod": {"metadata": {"name": "x"}}}', "body has neither Nodes nor NodeNames"),
        (b'{"Pod": {"metadata": {"name": "x"}}, "Nodes": {}, "NodeNames": []}', "body has both Nodes and NodeNames"),
        (b'{"Pod": {"metadata": {"name": "x"}}, "NodeNames": ["a", 7]}', r"got `int` - at `\$.NodeNames\[1\]`"),
        (
            b'{"Pod": {"metadata": {"name": "x"}}, "Nodes": {"items": [{"metadata": {}}]}}',
            r"missing required field `name` - at `\$.metadata` of Nodes.items\[0\]",
        ),
    ],
)
def test_a_malformed_body_is_refused_with_what_and_where(body: bytes, complaint: str) -> None:
    with pytest.raises(ArgsError, match=complaint) as refusal:
        parsed(body)
    assert refusal.value.status == 400
    assert "\n" not in str(refusal.value)
    assert json.loads(encode_refusal(refusal.value)) == {"Error": str(refusal.value)}


def test_a_body_over_the_limit_is_refused_with_what_to_do() -> None:
    body = captured("filter-upf-nodes-16")
    assert parse_args(body, limit_bytes=len(body)).names
    with pytest.raises(
        ArgsError, match=r"body has 50811 bytes or more, at most 50810 are taken: set nodeCache"
    ) as refusal:
        parse_args(body, limit_bytes=len(body) - 1)
    assert refusal.value.status == 413


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused_as_a_bad_request(noise: bytes) -> None:
    with pytest.raises(ArgsError):
        parsed(noise)


@given(st.integers(0, len(captured("filter-upf-names-16")) - 1))
def test_a_torn_body_is_refused_wherever_it_is_cut(length: int) -> None:
    with pytest.raises(ArgsError, match="body is not JSON"):
        parsed(captured("filter-upf-names-16")[:length])


@pytest.mark.parametrize("name", ["", "Node", "a_b", "-a", "a" * 254, "nodé", "a b"])
def test_what_is_no_nodes_name_is_refused_with_its_place(name: str) -> None:
    found = parsed(args(pod_object("u"), "spr-0000", name))
    with pytest.raises(ArgsError, match=r"NodeNames\[1\] is '.*', which is no node's name: lower case") as refusal:
        refuse_foreign_names(found, ["spr-0000", name])
    assert refusal.value.status == 400


def test_a_node_that_is_named_twice_is_refused_with_its_places() -> None:
    refuse_repeats(parsed(args(pod_object("u"), "a", "b")))
    with pytest.raises(ArgsError, match="NodeNames names 'a' twice, as entries 0 and 2") as refusal:
        refuse_repeats(parsed(args(pod_object("u"), "a", "b", "a")))
    assert refusal.value.status == 400


@given(node_names, st.data())
def test_filter_answers_in_names_what_it_was_asked_in_names(names: list[str], data: st.DataObject) -> None:
    failed = data.draw(st.sets(st.sampled_from(names))) if names else set()
    found = json.loads(encode_filter(parsed(args(pod_object("u"), *names)), dict.fromkeys(failed, "because")))
    assert found == {
        "Nodes": None,
        "NodeNames": [name for name in names if name not in failed],
        "FailedNodes": {},
        "FailedAndUnresolvableNodes": dict.fromkeys(failed, "because"),
        "Error": "",
    }


def test_filter_answers_whole_nodes_byte_for_byte() -> None:
    body = captured("filter-upf-nodes-16")
    sent: list[dict[str, Any]] = json.loads(body)["Nodes"]["items"]
    answer = encode_filter(parsed(body), {sent[3]["metadata"]["name"]: "because"})
    found = json.loads(answer)
    assert found["NodeNames"] is None
    assert found["Nodes"]["items"] == sent[:3] + sent[4:]
    assert json.dumps(sent[0], separators=(",", ":"), ensure_ascii=False).encode() in answer


@given(node_names, st.data())
def test_priorities_are_integers_in_the_order_asked(names: list[str], data: st.DataObject) -> None:
    scores = data.draw(st.lists(st.integers(0, 10), min_size=len(names), max_size=len(names)))
    found = json.loads(encode_priorities(names, np.array(scores, dtype=np.int64)))
    assert found == [{"Host": name, "Score": score} for name, score in zip(names, scores, strict=True)]
    assert all(type(entry["Score"]) is int for entry in found)
