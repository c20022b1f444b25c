"""What ran when in a lab: ``lab.toml`` for what stays, ``steps.csv`` with a line for each change.

``docs/campaigns.md`` says how both are written.
"""

import csv
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.axis import Axis
from contracts.model import one_sentence
from contracts.slowdown import IndicatorKind
from contracts.trace import Group
from eval.campaign.errors import CampaignError
from eval.campaign.name import refuse_bad_name
from eval.campaign.parties import Participant, stressor_participant

LAB_FILE = "lab.toml"
STEPS_FILE = "steps.csv"
STEP_COLUMNS = ("experiment", "purpose", "node", "domain", "begin", "end", "occupants")

_SECOND_NS = 1_000_000_000

T = TypeVar("T")


class Purpose(StrEnum):
    """What a step is measured for: a workload's profile, or rows."""

    PROFILE = "profile"
    ROWS = "rows"


class LabWorkload(BaseModel):
    """A workload of the lab."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Group
    indicator: IndicatorKind


class Lab(BaseModel):
    """``lab.toml``.

    Attributes:
        campaign: name of the campaign.
        workloads: by the key of their profile.
        settling_seconds: after each change, until windows count.
        indicator_tolerance_seconds: how far an indicator's time may lie from a window's end.
        pressed_from: intensity from which a stressor presses its axis.
        simulated: nothing of it was measured on hardware.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    campaign: str
    workloads: Annotated[dict[str, LabWorkload], Field(min_length=1)]
    settling_seconds: Annotated[float, Field(ge=0.0)] = 10.0
    indicator_tolerance_seconds: Annotated[float, Field(ge=0.0)] = 2.5
    pressed_from: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    simulated: bool = False

    @property
    def settling_ns(self) -> int:
        """``settling_seconds`` in nanoseconds."""
        return round(self.settling_seconds * _SECOND_NS)

    @property
    def indicator_tolerance_ns(self) -> int:
        """``indicator_tolerance_seconds`` in nanoseconds."""
        return round(self.indicator_tolerance_seconds * _SECOND_NS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A time in which nobody came or went on a domain.

    Attributes:
        experiment: steps of one name belong together: a workload's indicator alone is that of its own experiment, where
            it ran alone there.
        purpose: what it is measured for.
        node, domain: where.
        begin_ns, end_ns: UTC nanoseconds since 1970.
        occupants: in the order of their arrival, each once.
    """

    experiment: str
    purpose: Purpose
    node: str
    domain: str
    begin_ns: int
    end_ns: int
    occupants: tuple[Participant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A lab's whole schedule; steps of a domain do not overlap, and stand in the order of time."""

    lab: Lab
    steps: tuple[Step, ...]


def read_schedule(directory: Path) -> Schedule:
    """Read a schedule.

    Raises:
        CampaignError: a file is missing, or says what makes no sense; names the file and the line.
    """
    lab = _lab(directory / LAB_FILE)
    steps = tuple(rows_of(directory / STEPS_FILE, STEP_COLUMNS, lambda row: _step(row, lab)))
    _refuse_overlap(steps, directory / STEPS_FILE)
    return Schedule(lab=lab, steps=steps)


def rows_of(file: Path, columns: tuple[str, ...], read: Callable[[Mapping[str, str]], T]) -> list[T]:
    """Read a CSV file with a header row; ``read`` raises ``ValueError`` with what is wrong with a line.

    Raises:
        CampaignError: it is missing, its columns are others, or a line is refused.
    """
    found = []
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, strict=True)
            if tuple(reader.fieldnames or ()) != columns:
                raise CampaignError(f"{file}: its columns are {reader.fieldnames}, {', '.join(columns)} are meant")
            for row in reader:
                if None in row or None in row.values():
                    raise CampaignError(f"{file}, line {reader.line_num}: {len(columns)} cells are meant")
                try:
                    found.append(read(row))
                except ValueError as error:
                    raise CampaignError(f"{file}, line {reader.line_num}: {error}") from error
    except FileNotFoundError as error:
        raise CampaignError(f"{file} is missing: docs/campaigns.md says what a lab sends back") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CampaignError(f"{file} is no CSV in UTF-8: {error}") from error
    return found


def time_ns(told: str) -> int:
    """UTC nanoseconds since 1970 of a time in RFC 3339 or in seconds since 1970, as Prometheus gives it.

    >>> time_ns("2026-03-01T10:00:00Z") == time_ns("1772359200") == time_ns("1772359200.000")
    True

    Raises:
        ValueError: it is neither, or has no time zone.
    """
    whole, _, fraction = told.partition(".")
    if whole.isdecimal() and (fraction.isdecimal() or not fraction):
        return int(whole) * _SECOND_NS + int(fraction.ljust(9, "0")[:9])
    try:
        time = datetime.fromisoformat(told)
    except ValueError as error:
        raise ValueError(f"{told!r} is no time: 2026-03-01T10:00:00Z or seconds since 1970 are meant") from error
    if time.tzinfo is None:
        raise ValueError(f"{told!r} has no time zone: end it with Z if it is UTC")
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _SECOND_NS + since.microseconds * 1000


def _lab(file: Path) -> Lab:
    try:
        lab = Lab.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise CampaignError(f"{file} is missing: docs/campaigns.md says what a lab sends back") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CampaignError(f"{file} is no TOML: {error}") from error
    except ValidationError as error:
        raise CampaignError(f"{file}: {one_sentence(error)}") from error
    refuse_bad_name(lab.campaign)
    return lab


def _step(row: Mapping[str, str], lab: Lab) -> Step:
    begin_ns, end_ns = time_ns(row["begin"]), time_ns(row["end"])
    if end_ns <= begin_ns:
        raise ValueError(f"it ends at {row['end']}, which is not after its beginning {row['begin']}")
    if row["purpose"] not in set(Purpose):
        raise ValueError(f"its purpose is {row['purpose']!r}: {' or '.join(Purpose)} is meant")
    occupants = tuple(_participant(token, lab) for token in row["occupants"].split())
    if len({each.key for each in occupants}) < len(occupants):
        raise ValueError(f"somebody stands twice in {row['occupants']!r}: a key names one workload")
    return Step(
        experiment=row["experiment"],
        purpose=Purpose(row["purpose"]),
        node=row["node"],
        domain=row["domain"],
        begin_ns=begin_ns,
        end_ns=end_ns,
        occupants=occupants,
    )


def _participant(token: str, lab: Lab) -> Participant:
    """``upf-large`` is a workload, ``membw@0.5`` a stressor at half its intensity."""
    axis, at, intensity = token.partition("@")
    if not at:
        if token not in lab.workloads:
            raise ValueError(f"{token} is no workload of {LAB_FILE}: there are {', '.join(lab.workloads)}")
        known = lab.workloads[token]
        return Participant(key=token, group=known.group, indicator=known.indicator)
    if axis not in set(Axis):
        raise ValueError(f"{token!r}: no axis is called {axis!r}; there are {', '.join(Axis)}")
    try:
        share = float(intensity)
    except ValueError as error:
        raise ValueError(f"{token!r}: an intensity is a number above 0 and up to 1") from error
    if not 0.0 < share <= 1.0:
        raise ValueError(f"{token!r}: an intensity lies above 0 and is 1 at most")
    return stressor_participant(axis=Axis(axis), intensity=share)


def _refuse_overlap(steps: tuple[Step, ...], file: Path) -> None:
    ends: dict[tuple[str, str], int] = {}
    for number, step in enumerate(steps, start=2):
        if step.begin_ns < ends.get((step.node, step.domain), 0):
            raise CampaignError(
                f"{file}, line {number}: it begins before an earlier step of {step.node}/{step.domain} has ended; "
                "steps of a domain stand in the order of time and do not overlap"
            )
        ends[step.node, step.domain] = step.end_ns
