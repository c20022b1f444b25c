"""The mapping file: how a table's columns become the contract's events and features (``docs/foreign-traces.md``).

``extends`` names a shipped mapping, which knows a tool's columns, or a file beside this one; what this file says goes
first, section by section and key by key. A mapping is checked whole before a table is opened.
"""

import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from contracts.events import Unit
from contracts.model import one_sentence
from contracts.slowdown import IndicatorKind
from eval.traces.errors import MappingError
from eval.traces.frequency import refuse_foreign_event, refuse_foreign_feature, refuse_frequency_column
from eval.traces.label_section import LabelSection
from eval.traces.sections import Column, NodeSection, Section, TableSection, TimeSection
from eval.traces.units import Measure, measure
from pipelines.dataset import FOREIGN

SHIPPED = ("pcm", "pcm_memory", "perf_stat", "perf_stat_repeated")
"""Mappings that come with Leeward, to be named by ``extends``."""

_DEEPEST = 4


class Mapping(Section):
    """A whole mapping.

    Attributes:
        columns: by the name that formulas use.
        events: the contract's events, as arithmetic over columns.
        features: where a tool gives no events: features, as arithmetic over columns.
        not_mapped: column to why the tool's mapping leaves it out; ``*`` stands for anything.
        campaign: stands in every row.
    """

    table: TableSection
    time: TimeSection
    columns: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Column], Field(min_length=1)]
    events: dict[str, str] = Field(default_factory=dict)
    features: dict[str, str] = Field(default_factory=dict)
    not_mapped: dict[str, str] = Field(default_factory=dict)
    node: NodeSection
    campaign: Annotated[str, Field(min_length=1, max_length=63 - len(FOREIGN))]
    label: LabelSection | None = None

    @property
    def campaign_name(self) -> str:
        """As rows carry it: marked where the CPU is not characterised, so that nobody trains on it unawares."""
        return self.campaign if self.node.characterised else FOREIGN + self.campaign

    @property
    def measures(self) -> dict[str, Measure]:
        """Each column's unit."""
        return {name: measure(column.unit, where=f"[columns] {name}") for name, column in self.columns.items()}

    @property
    def units(self) -> dict[str, Unit]:
        """The same in the contract's units; a rate is an amount by then."""
        return {name: each.unit for name, each in self.measures.items()}


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        MappingError: it can't be read, lacks something, has no unit for a column, or maps the core clock.
    """
    try:
        mapping = Mapping.model_validate(_extended(_toml(path), beside=path.parent, depth=0))
    except ValidationError as error:
        raise MappingError(f"{path.name}: {one_sentence(error)}") from error
    _refuse_unlawful(mapping)
    return mapping


def _toml(path: Path | Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"mapping {path}: {error.strerror}; name a TOML file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingError(f"mapping {path.name} is no TOML: {error}") from error


def _extended(document: dict[str, Any], *, beside: Path, depth: int) -> dict[str, Any]:
    base = document.pop("extends", None)
    if base is None:
        return document
    if depth >= _DEEPEST:
        raise MappingError(f"mappings extend one another more than {_DEEPEST} deep: leave one out")
    if base in SHIPPED:
        below = _toml(files("eval.traces") / "mappings" / f"{base}.toml")
    elif isinstance(base, str) and base.endswith(".toml"):
        below = _toml(beside / base)
    else:
        raise MappingError(f"extends = {base!r}: {', '.join(SHIPPED)} are shipped, or name a file that ends in .toml")
    below = _extended(below, beside=beside, depth=depth + 1)
    for section, content in document.items():
        merges = isinstance(content, dict) and isinstance(below.get(section), dict)
        below[section] = {**below[section], **content} if merges else content
    return below


def _refuse_unlawful(mapping: Mapping) -> None:
    units = mapping.units
    for name, column in mapping.columns.items():
        refuse_frequency_column(column.column, where=f"[columns] {name}")
        refuse_frequency_column(name, where="[columns]")
        _refuse_wrong_weight(name, column, mapping)
    for event, formula in mapping.events.items():
        refuse_foreign_event(event, formula, units)
    for feature, formula in mapping.features.items():
        refuse_foreign_feature(feature, formula, units)
    if not mapping.events and not mapping.features:
        raise MappingError("a mapping without [events] and [features] makes nothing of the table: map a column")
    if mapping.table.kind == "long":
        _refuse_wrong_long_columns(mapping)
    if mapping.label is not None:
        _refuse_wrong_label(mapping.label, mapping.table)


def _refuse_wrong_weight(name: str, column: Column, mapping: Mapping) -> None:
    if column.unit in {"share", "%"}:
        alone = mapping.table.intervals == 1 and "*" not in column.column
        if column.weight is None and not alone:
            raise MappingError(
                f"[columns] {name} is a share of each row, and a mean of shares is no share: name in weight the column "
                "that it is a share of, or map the counts behind it"
            )
    elif column.weight is not None:
        raise MappingError(f"[columns] {name} has a weight, which only a share has")
    if column.weight is not None and column.weight not in mapping.columns:
        raise MappingError(f"[columns] {name}: its weight {column.weight} is not in [columns]")


def _refuse_wrong_long_columns(mapping: Mapping) -> None:
    names = [column.column.lower() for column in mapping.columns.values()]
    for name, column in mapping.columns.items():
        if "*" in column.column or names.count(column.column.lower()) > 1:
            raise MappingError(
                f"[columns] {name} = {column.column!r}: in a long table a column is one event, and no other one's; "
                "use it twice in [events] instead"
            )
    stands = list(mapping.table.domains.values())
    if len(set(stands)) != len(stands):
        raise MappingError(
            f"[table.domains] {', '.join(map(repr, stands))}: each stands for one domain of a long table"
        )


def _refuse_wrong_label(label: LabelSection, table: TableSection) -> None:
    if label.domain not in table.domains:
        raise MappingError(f"[label] domain = {label.domain!r}: [table.domains] has {', '.join(table.domains)}")
    judged = [party.indicator.column.lower() for party in label.parties.values() if party.indicator is not None]
    for key, party in label.parties.items():
        if party.indicator is None:
            continue
        if judged.count(party.indicator.column.lower()) > 1:
            raise MappingError(f"[label.parties.{key}.indicator]: {party.indicator.column!r} is another party's, too")
        where = f"[label.parties.{key}.indicator]"
        refuse_frequency_column(party.indicator.column, where=where)
        measure(party.indicator.unit, where=where)
        if party.indicator.kind is not IndicatorKind.THROUGHPUT and table.intervals > 1:
            raise MappingError(
                f"{where}: a window of {table.intervals} rows has no {party.indicator.kind} of its own, since "
                "quantiles can't be averaged: measure it over whole windows, interval_seconds = window_seconds"
            )
