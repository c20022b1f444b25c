"""Request bodies: lawful ones, lawful ones with one thing wrong somewhere, torn ones, and noise."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.unit.scheduler_extender.small_cluster import NODES, captured, pod_object

LIMIT_BYTES = 60_000
"""What a fuzzed extender takes; little, so that bodies over the limit are cheap."""

Path = tuple[str | int, ...]

_HOLE = "@hole@"
_DEEP = LIMIT_BYTES - 10_000
_NAMES = (*NODES[:6], "a", "0.b-c", "x" * 253)

TOKENS = tuple(
    token.encode("latin-1")
    for token in (
        *("null", "true", "0", "-1", "1.5", '""', '"x"', "[]", "{}", "[null]", '[""]', "[[]]", '{"": null}'),
        *("9223372036854775808", "18446744073709551616", "-1e400", "1e999", "1e-999", "-0.0", "9" * 400, "9" * 5000),
        *("NaN", "Infinity", "01", "1.", "-", "+1", ".5", "tru", "'x'", "", ",", ":", "}", "]", '"'),
        *(r'"\ud800"', r'"\udc00"', r'"\ud83d\ude00"', r'"\u0000"', r'"\x41"', r'"\u12"', '"\xff\xfe"', '"\xc3"'),
        *('"\n"', '"\x00"', '"\xef\xbb\xbf"', '"\xed\xa0\x80"', '"\xf4\x90\x80\x80"', '"\xc0\xaf"'),
        *(f'"{"x" * 300}"', f'"{"A" * 5000}"', f'"{"x" * LIMIT_BYTES}"', '"spr-0001"', '["spr-0001", "spr-0001"]'),
        *("[" * 500 + "]" * 500, '{"a":' * 500 + "0" + "}" * 500, "[" * _DEEP, '{"a":' * (LIMIT_BYTES // 6)),
        *('["SPR", "a_b", "-"]', '[1, "a"]', '{"items": [{}]}', '{"items": [{"metadata": {"name": ""}}]}'),
        *('"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"', '"2026-11-24"', '"nan"', '"inf"', '"1e308"'),
        *('"required"', '"preferred"', '"999999"', '"999999000m"', '"-4"', '"4Ki"', '"\xd9\xa1"'),
    )
)
"""What is put where something else was meant, as the bytes of it."""


FAMILY = 10
"""Bodies that are broken in the same place in as many ways; to invent what they share takes longest."""

Bodies = list[bytes]


def families() -> st.SearchStrategy[Bodies]:
    """All kinds; most bodies are lawful but for one thing, since those get furthest."""
    lawful = st.one_of(_lawful().map(_encoded), st.sampled_from(_captured()))
    noise = st.lists(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), min_size=1, max_size=FAMILY)
    alone = lawful.map(lambda body: [body])
    return st.one_of(_with_a_hole_filled(), _with_a_hole_filled(), _damaged(lawful), alone, alone, noise)


def _captured() -> list[bytes]:
    verbs = ("filter-upf-names-16", "filter-upf-nodes-16", "prioritize-batch-names-16", "prioritize-firewall-names-16")
    return [captured(verb) for verb in verbs]


@st.composite
def _lawful(draw: st.DrawFn) -> dict[str, Any]:
    """``ExtenderArgs`` in either form, and now and then in both or in neither."""
    names = draw(st.lists(st.sampled_from(_NAMES), max_size=6, unique=draw(st.integers(0, 9)) > 0))
    forms = draw(st.sampled_from(["names", "nodes", "names", "nodes", "names", "nodes", "both", "neither"]))
    whole = [{"metadata": {"name": name, "labels": {"zone": "é"}}, "status": {"a": [1, None]}} for name in names]
    return {
        "Pod": _pod(draw),
        "Nodes": {"items": whole} if forms in {"nodes", "both"} else None,
        "NodeNames": names if forms in {"names", "both"} else None,
    }


def _pod(draw: st.DrawFn) -> dict[str, Any]:
    slowdown = st.sampled_from(["1", "1.1", "2.5", "1e308", "0.5", "nan", "fast", "\u0661", "1_0", "9" * 400])
    enforcement = st.sampled_from(["required", "required", "preferred", "REQUIRED", ""])
    return pod_object(
        draw(st.sampled_from(["u", "resident-1", ""])),
        node=draw(st.sampled_from(["", "spr-0001", "elsewhere"])),
        profile=draw(st.sampled_from(["upf-large", "transcode", "unheard-of", ""])),
        cpus=draw(st.sampled_from(["1", "4", "500m", "999999", "4000m", "", "4.0", "-1"])),
        annotations=draw(
            st.fixed_dictionaries(
                {}, optional={"leeward.dev/max-slowdown": slowdown, "leeward.dev/enforcement": enforcement}
            )
        ),
        namespace=draw(st.sampled_from(["default", "kube-system", ""])),
        phase=draw(st.sampled_from(["Pending", "Running", "Failed", "?"])),
        qos=draw(st.sampled_from(["Guaranteed", "Burstable", "", "?"])),
    )


@st.composite
def _with_a_hole_filled(draw: st.DrawFn) -> Bodies:
    """One value is another one, is not there, stands twice, or has a stranger beside it."""
    args = draw(_lawful())
    *upper, last = draw(st.sampled_from(list(_paths(args))))
    place = _at(args, tuple(upper))
    kept = _encoded(place[last])
    place[last] = _HOLE
    before, after = _encoded(args).split(_encoded(_HOLE))
    fillings = [draw(_json()), *draw(st.lists(st.sampled_from(TOKENS), min_size=FAMILY - 1, max_size=FAMILY - 1))]
    if isinstance(last, str):
        manner = draw(st.sampled_from([b"", b"", kept + b"," + _encoded(last) + b":", kept + b',"stranger":']))
        fillings = [manner + filling for filling in fillings]
    del place[last]
    return [_encoded(args), *(before + filling + after for filling in fillings)]


def _json() -> st.SearchStrategy[bytes]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    documents = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    )
    return documents.map(_encoded)


@st.composite
def _damaged(draw: st.DrawFn, lawful: st.SearchStrategy[bytes]) -> Bodies:
    """Bodies that are cut off, have a byte changed, or a piece of themselves somewhere else as well."""
    body = draw(lawful)
    places = draw(st.lists(st.integers(0, len(body) - 1), min_size=FAMILY, max_size=FAMILY))
    piece = draw(st.binary(min_size=1, max_size=16))
    match draw(st.sampled_from(["cut", "changed", "again", "inserted"])):
        case "cut":
            return [body[:place] for place in places]
        case "changed":
            return [body[:place] + piece[:1] + body[place + 1 :] for place in places]
        case "again":
            return [body[:place] + body[place : place + 64] * (place % 40 + 2) + body[place + 64 :] for place in places]
        case _:
            return [body[:place] + piece + body[place:] for place in (*places, len(body))]


def _paths(value: object, above: Path = ()) -> Iterator[Path]:
    entries: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    for key, inner in entries:
        yield (*above, key)
        yield from _paths(inner, (*above, key))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
