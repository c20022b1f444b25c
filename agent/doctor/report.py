"""All that the doctor found of a node, and what to change, the change that brings most first."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from agent.doctor.check import Check, Verdict
from agent.doctor.offer import AxisOffer
from agent.errors import AgentError
from contracts.features import FEATURE_SCHEMA_V1

_SEVERITY = tuple(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to change, for all topics that ask for it.

    Attributes:
        checks: one or more, their advice the same.
    """

    checks: tuple[Check, ...]

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do."""
        return self.checks[0].advice

    @property
    def features(self) -> tuple[str, ...]:
        """The missing features that it stands in the way of, in schema order."""
        lost = {name for check in self.checks for name in check.features}
        return tuple(name for name in FEATURE_SCHEMA_V1.names if name in lost)

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks."""
        return min((check.verdict for check in self.checks), key=_SEVERITY.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a node offers, what is missing, and what to change.

    Attributes:
        node: the node's name.
        agent_version: of the agent that looked.
        domains: contention domains.
        available, missing: the contract's features that can be computed in every domain, and the others, in schema
            order.
        axes: what is left of each contention axis.
        checks: one a topic, in the order of a look.
    """

    node: str
    agent_version: str
    domains: tuple[str, ...]
    available: tuple[str, ...]
    missing: tuple[str, ...]
    axes: tuple[AxisOffer, ...]
    checks: tuple[Check, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """First what stands in the way of most features, then what is worse, then in the order of a look."""
        together: dict[tuple[str, ...], list[Check]] = {}
        for check in self.checks:
            if check.verdict is not Verdict.OK:
                together.setdefault(check.advice, []).append(check)
        changes = [Change(checks=tuple(checks)) for checks in together.values()]
        return tuple(sorted(changes, key=lambda change: (-len(change.features), _SEVERITY.index(change.verdict))))

    @property
    def is_complete(self) -> bool:
        """Whether every feature is there and nothing else that the agent needs is missing."""
        return not self.missing and all(check.verdict is not Verdict.MISSING for check in self.checks)

    def to_json(self) -> bytes:
        """The report as JSON, indented."""
        return TypeAdapter(Report).dump_json(self, indent=2)

    @classmethod
    def from_json(cls, content: bytes) -> "Report":
        """Read what ``to_json`` wrote.

        Raises:
            AgentError: it is no such report.
        """
        try:
            return TypeAdapter(Report).validate_json(content)
        except ValidationError as error:
            raise AgentError(f"this is no report of `leeward agent doctor --output json`: {error}") from error
