"""Canonical JSON and the digests that hold the contracts still."""

import hashlib
import json


def canonical_json(value: object) -> bytes:
    """Serialise to the one byte string that stands for ``value``: sorted keys, no blanks, UTF-8, no NaN.

    Raises:
        ValueError: ``value`` holds NaN or an infinity, which JSON cannot carry.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of_bytes(content: bytes) -> str:
    """SHA-256 of ``content`` as ``sha256:<64 hexadecimal digits>``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of ``value``.

    >>> digest({"b": 1, "a": None}) == digest({"a": None, "b": 1})
    True
    """
    return digest_of_bytes(canonical_json(value))
