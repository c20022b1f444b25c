"""What an answer must be, whatever was asked."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from scheduler_extender.explanation import Explanation
from scheduler_extender.service import Answer

VERBS = ("filter", "prioritize", "explain")
STATUSES = frozenset({200, 400, 413})
MOST_REFUSAL_BYTES = 2000

_FILTER_KEYS = {"Nodes", "NodeNames", "FailedNodes", "FailedAndUnresolvableNodes", "Error"}


def refuse_unlawful(verb: str, body: bytes, answer: Answer) -> None:
    """Check an answer.

    Args:
        verb: of ``VERBS``.
        body: what was asked.
        answer: what was answered.

    Raises:
        AssertionError: it has another status, is no JSON, has another form than asked, names what was not asked about,
            or scores by anything but integers from 0 to 10.
    """
    assert answer.status in STATUSES, answer
    found = _read(answer.content.decode("utf-8"), parse_int=str if verb == "filter" else int)
    if answer.status != 200:
        assert set(found) == {"Error"}
        assert found["Error"]
        assert "\n" not in found["Error"]
        assert len(answer.content) <= MOST_REFUSAL_BYTES, "the refusal repeats the body"
        return
    names, whole = _asked(body)
    if verb == "filter":
        _refuse_filter(found, names, whole=whole)
    elif verb == "prioritize":
        assert [entry["Host"] for entry in found] == names
        assert all(set(entry) == {"Host", "Score"} for entry in found)
        assert all(type(entry["Score"]) is int and 0 <= entry["Score"] <= 10 for entry in found)
    else:
        explanation = msgspec.json.decode(answer.content, type=Explanation)
        assert [entry.node for entry in explanation.nodes] == names
        assert all(0 <= entry.score <= 10 for entry in explanation.nodes)


def _refuse_filter(found: dict[str, Any], names: list[str], *, whole: bool) -> None:
    assert set(found) == _FILTER_KEYS
    failed = found["FailedAndUnresolvableNodes"]
    assert found["FailedNodes"] == {}
    assert found["Error"] == ""
    assert all(failed.values())
    assert found["NodeNames" if whole else "Nodes"] is None
    passed = [node["metadata"]["name"] for node in found["Nodes"]["items"]] if whole else found["NodeNames"]
    assert passed == [name for name in names if name not in failed]
    assert set(failed) <= set(names)


def _asked(body: bytes) -> tuple[list[str], bool]:
    """The names in a body that was answered, and whether its nodes came whole; by another reader than the extender's.

    What stands where nobody reads may be no text, or no figure that Python takes: it is let pass, as Go lets it.
    """
    args = _read(body.decode("utf-8", "replace"), parse_int=str)
    whole = args.get("Nodes") is not None
    assert whole is not (args.get("NodeNames") is not None)
    if not whole:
        return args["NodeNames"], False
    return [node["metadata"]["name"] for node in args["Nodes"].get("items") or ()], True


def _read(text: str, *, parse_int: Callable[[str], object]) -> Any:
    """JSON, strictly; whole nodes may hold integers longer than Python reads."""
    return json.loads(text, parse_int=parse_int, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
