"""One row of labelled traces against its contract, and against the profiles that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from contracts.model import one_sentence
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.traces.labels import is_younger
from pipelines.dataset import FOREIGN
from pipelines.expectations import LARGEST_PARTY, LONGEST_WINDOW_SECONDS, SHORTEST_WINDOW_SECONDS

Trace = TypeVar("Trace", bound=LabelledTrace)


class RowError(ValueError):
    """A row is refused.

    Attributes:
        kind: a few words, the same for all rows of one complaint.
        advice: what to do.
    """

    def __init__(self, kind: str, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.advice = advice


WRONG_DIGEST = "another feature schema"
MISSING_GROUP = "missing group"
FASTER_THAN_ALONE = "slowdown below 1 beyond noise"
BREAKS_CONTRACT = "breaks the contract"
UNKNOWN_PROFILE = "unknown profile"
YOUNG_PROFILE = "profile younger than the window"
CONSERVATIVE_VICTIM = "conservative victim"
OWN_CO_RUNNER = "victim beside itself"
ODD_WINDOW = "odd window"
MANY_CO_RUNNERS = "too many co-runners"
TWO_GROUPS = "one key in two groups"
FOREIGN_CPU = "CPU not characterised"


def trace_of(row: Mapping[str, Any], model: type[Trace]) -> Trace:
    """A row as the contract reads it.

    Args:
        row: its fields by name.
        model: the contract's own, or one that holds a row in another way.

    Raises:
        RowError: it breaks the contract.
    """
    try:
        return model.model_validate(row)
    except ValidationError as error:
        kind, advice = _complaint(error)
        raise RowError(kind, one_sentence(error), advice) from error


def _complaint(error: ValidationError) -> tuple[str, str]:
    first = error.errors(include_url=False)[0]
    place, sentence = first["loc"], first["msg"]
    if "group" in place:
        return MISSING_GROUP, "name the workload group of every party: rows without it can't be held out"
    if "feature_schema" in place or "feature schema" in sentence:
        return WRONG_DIGEST, "write the row with the reader's contract, or upgrade the reader"
    if (place == ("slowdown",) and first["type"] == "greater_than_equal") or "measure again" in sentence:
        return FASTER_THAN_ALONE, "measure alone and together at the same offered load, again"
    return BREAKS_CONTRACT, "see the labelled trace in docs/contracts.md"


@dataclass(slots=True)
class RowCheck:
    """Checks rows against profiles and one another's groups.

    Attributes:
        profiles: by digest.
        foreign: accept rows of CPUs that are not characterised.
    """

    profiles: Mapping[str, WorkloadProfile]
    foreign: bool
    _groups: dict[str, str] = field(default_factory=dict)

    def check(self, trace: LabelledTrace) -> None:
        """Refuse a row that the training could not use.

        Raises:
            RowError: says why.
        """
        seconds = trace.window_length_ns / 1e9
        if not SHORTEST_WINDOW_SECONDS <= seconds <= LONGEST_WINDOW_SECONDS:
            reason = (
                f"its window lasts {seconds:g} s, {SHORTEST_WINDOW_SECONDS:g} to {LONGEST_WINDOW_SECONDS:g} s are meant"
            )
            raise RowError(ODD_WINDOW, reason, "give the length in nanoseconds")
        if len(trace.co_runners) > LARGEST_PARTY:
            reason = f"it has {len(trace.co_runners)} co-runners, {LARGEST_PARTY} at most are meant"
            raise RowError(MANY_CO_RUNNERS, reason, "name only those of the victim's domain")
        if any(party.key == trace.victim.key for party in trace.co_runners):
            reason = f"{trace.victim.key} is among its own co-runners"
            raise RowError(OWN_CO_RUNNER, reason, "name the others; a second copy needs a key of its own")
        if trace.campaign.startswith(FOREIGN) and not self.foreign:
            reason = f"campaign {trace.campaign} was measured on a CPU that models and rules were not made for"
            raise RowError(FOREIGN_CPU, reason, "don't train on it; --foreign accepts it for other uses")
        self._check_parties(trace)

    def _check_parties(self, trace: LabelledTrace) -> None:
        for party in (trace.victim, *trace.co_runners):
            profile = self.profiles.get(party.profile)
            if profile is None:
                reason = f"profile {party.profile} of {party.key} is not among the {len(self.profiles)} beside the rows"
                raise RowError(UNKNOWN_PROFILE, reason, "write traces and profiles together")
            if profile.key != party.key:
                reason = f"profile {party.profile} is that of {profile.key}, not of {party.key}"
                raise RowError(UNKNOWN_PROFILE, reason, "write traces and profiles together")
            if is_younger(profile, trace.window_start_ns):
                reason = (
                    f"the profile of {party.key} was last added to after the window began: it would know the answer"
                )
                raise RowError(YOUNG_PROFILE, reason, "name the profile that was known before the window")
            group = self._groups.setdefault(party.key, party.group)
            if group != party.group:
                reason = f"{party.key} is of group {party.group} here and of {group} in a row before"
                raise RowError(TWO_GROUPS, reason, "give it one group, else it is held out from itself")
        if self.profiles[trace.victim.profile].conservative:
            reason = f"the profile of {trace.victim.key} is the conservative one, which is nobody's own"
            raise RowError(CONSERVATIVE_VICTIM, reason, "make a profile of the victim")
