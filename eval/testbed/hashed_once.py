"""Values that are looked up again and again: their hash is computed once."""

from dataclasses import fields
from typing import Any


class HashedOnce:
    """Base of a frozen dataclass, which has to say ``__hash__ = HashedOnce.__hash__`` itself, or gets a new one."""

    __slots__ = ("_hash",)
    _hash: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            own: Any = self
            value = hash(tuple(getattr(self, each.name) for each in fields(own)))
            object.__setattr__(self, "_hash", value)
            return value
