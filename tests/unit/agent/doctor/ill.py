"""A patient with one complaint, and what the doctor is to say of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.doctor.check import Topic, Verdict
from tests.unit.agent.doctor.patient import WHOLE, Patient
from tests.unit.agent.fake_kernel import OpenCounter

SOME = -1
"""How many features are lost depends on which events share a group."""
VIRTUAL = replace(WHOLE, boxes={})


def refusing(number: int, *, when: Callable[[OpenCounter], bool] = lambda _: True) -> Callable[[OpenCounter], int]:
    """A kernel's refusal of some counters."""
    return lambda counter: number if when(counter) else 0


@dataclass(frozen=True, kw_only=True)
class Ill:
    """One complaint: the topic's verdict, words of what is found and of the advice, how many features are lost."""

    name: str
    topic: Topic
    patient: Patient
    verdict: Verdict
    found: str
    advice: str
    features: int = 0
