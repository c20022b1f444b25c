"""Canonical JSON and the digests that hold the contracts still."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence

from contracts.errors import ContractError

_EXACT = 2.0**53


def canonical_json(value: object) -> bytes:
    """Serialise to the one byte string that stands for ``value``.

    Sorted keys, no blanks, UTF-8. A number is the shortest decimal that reads back as the same double; a whole one is
    written without a point, since JSON readers in other languages do not tell 1.0 from 1 (RFC 8785 does the same).

    >>> canonical_json({"b": 1.0, "a": [0.1, -0.0, None]})
    b'{"a":[0.1,0,null],"b":1}'

    Raises:
        ContractError: ``value`` holds NaN or an infinity, a key that is no string, or something that is not JSON.
    """
    text = json.dumps(_plain(value, place="$"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ContractError(f"canonical JSON: a string is no Unicode text: {error.reason}") from error


def digest_of_bytes(content: bytes) -> str:
    """SHA-256 of ``content`` as ``sha256:<64 hexadecimal digits>``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of ``value``.

    >>> digest({"b": 1, "a": None}) == digest({"a": None, "b": 1.0})
    True

    Raises:
        ContractError: as ``canonical_json``.
    """
    return digest_of_bytes(canonical_json(value))


def _plain(value: object, *, place: str) -> object:
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return _number(value, place=place)
        case Mapping():
            return {_key(key, place=place): _plain(entry, place=f"{place}.{key}") for key, entry in value.items()}
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [_plain(entry, place=f"{place}[{index}]") for index, entry in enumerate(value)]
    raise ContractError(f"canonical JSON: {place} is a {type(value).__name__}, which JSON does not have")


def _number(value: float, *, place: str) -> float | int:
    if not math.isfinite(value):
        raise ContractError(f"canonical JSON: {place} is {value}, which JSON does not have; write null for missing")
    return int(value) if value.is_integer() and abs(value) < _EXACT else float(value)


def _key(key: object, *, place: str) -> str:
    if not isinstance(key, str):
        raise ContractError(f"canonical JSON: {place} has the key {key!r}; keys are strings")
    return str(key)
