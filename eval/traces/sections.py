"""The sections of a mapping file that every table needs: how it is written, its times, its columns, whose it is."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from contracts.nodestate import Name
from eval.traces.stamps import zone_of

_CHARACTERISED = ("GenuineIntel", 6, 143)
Positive = Annotated[float, Field(gt=0.0)]


class Section(BaseModel):
    """Frozen, strict about unknown keys; numbers in quotes are no numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TableSection(Section):
    """How the table is written.

    Attributes:
        kind: ``wide``, a column a quantity; ``long``, a row a quantity.
        delimiter, encoding, decimal: of the text.
        header_rows: of a wide table; a column's name is their cells joined by ``|``.
        comment: lines that begin with it are no rows.
        fields: of a long table, in order; ``time``, ``value``, ``unit``, ``event``, ``running_percent``, ``domain`` and
            ``phase`` are read, others skipped.
        domains: domain's name to what stands for it, as ``{domain}`` in columns' names or in the field ``domain``.
        missing: cells that say that nothing was measured.
        interval_seconds: between two rows of a domain.
        window_seconds: of a feature vector; whole intervals.
    """

    kind: Literal["wide", "long"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"
    decimal: Literal[".", ","] = "."
    header_rows: Annotated[int, Field(ge=1, le=4)] = 1
    comment: str = ""
    fields: tuple[str, ...] = ()
    domains: Annotated[dict[Name, str], Field(min_length=1, max_length=64, default_factory=lambda: {"socket0": ""})]
    missing: tuple[str, ...] = ("",)
    interval_seconds: Positive
    window_seconds: Positive

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "long" and not {"time", "value", "event"} <= set(self.fields):
            raise ValueError("a long table needs the fields time, value and event")
        intervals = self.window_seconds / self.interval_seconds
        if abs(intervals - round(intervals)) > 1e-9 * intervals:
            raise ValueError(
                f"a window of {self.window_seconds} s is no whole number of intervals of {self.interval_seconds} s"
            )
        return self

    @property
    def intervals(self) -> int:
        """Rows of a window."""
        return round(self.window_seconds / self.interval_seconds)


class TimeSection(Section):
    """What the time column says.

    Attributes:
        columns: joined by a blank; of a long table always the field ``time``.
        format: as ``strptime`` reads it; else ``unit``.
        unit: of a number, counted from ``since``.
        since: ``1970``, a time, or ``comment``: the first line that ``comment_format`` reads.
        comment_format: as ``strptime`` reads it.
        zone: of times that do not say theirs: a name of the tz database, ``UTC`` or ``+01:00``.
        stamps: whether a row's time is the end or the start of its interval.
    """

    columns: tuple[str, ...] = ("time",)
    format: str | None = None
    unit: Literal["s", "ms", "us", "ns"] | None = None
    since: AwareDatetime | Literal["1970", "comment"] = "1970"
    comment_format: str = ""
    zone: str | None = None
    stamps: Literal["start", "end"]

    @model_validator(mode="after")
    def _tells_the_time(self) -> Self:
        if (self.format is None) == (self.unit is None):
            raise ValueError("either format or unit says how times are written")
        if self.since == "comment" and not self.comment_format:
            raise ValueError("since = 'comment' needs comment_format")
        reads = self.format if self.format is not None else self.comment_format if self.since == "comment" else "%z"
        if "%z" not in reads and self.zone is None:
            raise ValueError("times are written without a zone: name it in zone, as UTC, +01:00 or Europe/Berlin")
        if self.zone is not None:
            zone_of(self.zone)
        return self


class Column(Section):
    """One quantity of the table.

    Attributes:
        column: the column's name, or a long table's event; ``{domain}`` stands for the domain. In a wide table ``*``
            stands for anything, and where several columns match, counts are summed.
        unit: see ``units``.
        level: the quantity does not grow with the interval; a window has the mean, as the agent's do.
        weight: of a share, the column that it is a share of.
    """

    column: str
    unit: str
    level: bool = False
    weight: str | None = None


class NodeSection(Section):
    """Whose measurements these are. Ceilings and sizes that nobody states make the features that need them missing."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    cpu_vendor: str
    cpu_family: int
    cpu_model: int
    llc_bytes: Positive | None = None
    dram_peak_bytes_per_second: Positive | None = None
    dram_peak_commands_per_clock: Positive | None = None
    upi_peak_flits_per_clock: Positive | None = None

    @property
    def characterised(self) -> bool:
        """Whether this is Sapphire Rapids, the one CPU that models and labelling rules were made for."""
        return (self.cpu_vendor, self.cpu_family, self.cpu_model) == _CHARACTERISED

    @property
    def ceilings(self) -> dict[str, float]:
        """The contract's node events that are stated, per domain."""
        stated = {
            "NODE.LLC_BYTES": self.llc_bytes,
            "NODE.DRAM_PEAK_BYTES_PER_SECOND": self.dram_peak_bytes_per_second,
            "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK": self.dram_peak_commands_per_clock,
            "NODE.UPI_PEAK_FLITS_PER_CLOCK": self.upi_peak_flits_per_clock,
        }
        return {name: value for name, value in stated.items() if value is not None}
