"""The section of a mapping file that makes labelled traces of vectors: who ran when, and what each is judged by."""

from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, model_validator

from contracts.axis import Axis
from contracts.profile import Key
from contracts.slowdown import IndicatorKind
from contracts.trace import Group, Injection
from eval.traces.sections import Positive, Section


class Indicator(Section):
    """What a party is judged by: a column of the table, and what it says with the domain to itself.

    Attributes:
        kind: of the contract's indicators.
        column, unit: as in ``Column``; a throughput is averaged over the window.
        alone: in the same unit; where absent, the median of the windows in which the party was alone.
    """

    kind: IndicatorKind
    column: str
    unit: str
    alone: Positive | None = None


class PartySection(Section):
    """Who takes part.

    Attributes:
        group: for holding out; ``stressor`` for stressors.
        indicator: of those that may be victims.
    """

    group: Group
    indicator: Indicator | None = None


class Phase(Section):
    """A part of the measurement during which the same parties ran.

    Attributes:
        starts: where no column tells phases; each lasts until the next one starts.
        parties: keys of all who ran on the domain.
        arrived: who came last, at the phase's beginning; rows come of phases that say it.
        injected: stressors among them.
        pressed: the operator's label, if there is one.
    """

    starts: AwareDatetime | None = None
    parties: tuple[Key, ...] = ()
    arrived: Key | None = None
    injected: tuple[Injection, ...] = ()
    pressed: tuple[Axis, ...] | None = None


class LabelSection(Section):
    """What makes labelled traces of vectors.

    Attributes:
        domain: where all of it ran.
        phase_column: column or long table's field that names the phase; else phases have ``starts``.
        phases: by name.
        parties: by key.
        profiles: a file of profiles, one a line, of parties that are never alone here; beside the mapping.
    """

    domain: str
    phase_column: str | None = None
    phases: dict[str, Phase]
    parties: dict[Key, PartySection]
    profiles: Path | None = None

    @model_validator(mode="after")
    def _phases_name_parties(self) -> Self:
        for name, phase in self.phases.items():
            for key in (*phase.parties, *([phase.arrived] if phase.arrived else [])):
                if key not in self.parties:
                    raise ValueError(f"phase {name} names {key}, which [label.parties] lacks: give it its group")
            if len(set(phase.parties)) != len(phase.parties):
                raise ValueError(f"phase {name} names a party twice")
            if phase.arrived is not None and phase.arrived not in phase.parties:
                raise ValueError(f"phase {name}: {phase.arrived} arrived and is not among its parties")
            if self.phase_column is None and phase.starts is None:
                raise ValueError(f"phase {name} has no starts, and no phase_column tells phases")
        return self
