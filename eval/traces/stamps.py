"""Times of foreign tables, in whatever form and zone, as UTC nanoseconds."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.vector import LARGEST_NS
from eval.traces.cells import CellError

if TYPE_CHECKING:
    from eval.traces.sections import TimeSection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_MOST_DIGITS = 40


def zone_of(name: str) -> tzinfo:
    """A zone by name or offset.

    >>> zone_of("+01:00").utcoffset(None)
    datetime.timedelta(seconds=3600)

    Raises:
        ValueError: there is no such zone.
    """
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        hours, minutes = int(offset[2]), int(offset[3])
        if hours > 14 or minutes > 59:
            raise ValueError(f"zone {name!r} is no offset from UTC: -14:00 to +14:00 are meant")
        return timezone((1 if offset[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"zone {name!r} is not known here: write UTC, an offset as +01:00, or Europe/Berlin"
        ) from error


class Stamps:
    """Reads the times of one table."""

    def __init__(self, section: "TimeSection") -> None:
        self._section = section
        self._zone = zone_of(section.zone) if section.zone is not None else None
        self._since_ns = _ns(section.since) if isinstance(section.since, datetime) else 0
        self._awaits_comment = section.since == "comment"

    def note(self, comment: str) -> None:
        """Look into a comment line for the time that others count from; the first one that says it holds."""
        if self._awaits_comment:
            try:
                self._since_ns = self._parsed(comment.strip(), self._section.comment_format)
            except CellError:
                return
            self._awaits_comment = False

    def ns(self, text: str) -> int:
        """A time as UTC nanoseconds since 1970.

        Raises:
            CellError: it is no time of the mapping's form, before 1970 or after 2262.
        """
        if self._awaits_comment:
            raise CellError(f"no comment line before it says, as {self._section.comment_format!r}, when it began")
        if self._section.format is not None:
            found = self._parsed(text, self._section.format)
        else:
            found = self._since_ns + self._counted(text)
        if not 0 <= found <= LARGEST_NS:
            raise CellError(f"time {text[:_MOST_DIGITS]!r} is not between 1970 and 2262")
        return found

    def _parsed(self, text: str, form: str) -> int:
        try:
            time = datetime.strptime(text, form)  # noqa: DTZ007 (the zone is the mapping's)
            aware = time if time.tzinfo is not None else time.replace(tzinfo=self._zone)
            return _ns(aware)
        except (ValueError, OverflowError) as error:
            raise CellError(f"time {text[:_MOST_DIGITS]!r} is not written as {form!r}") from error

    def _counted(self, text: str) -> int:
        try:
            number = Decimal(text) if len(text) <= _MOST_DIGITS else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number.adjusted() > _MOST_DIGITS:
            raise CellError(f"time {text[:_MOST_DIGITS]!r} is no number of {self._section.unit}")
        return int(number.scaleb(_NS[self._section.unit or "s"]))


def _ns(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000
