"""Stressor first, rules else, and no answer where a rule's counters are missing."""

import math

import numpy as np
import pytest

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import Injection, LabelledTrace, Provenance
from contracts.vector import FloatArray, to_json_values
from pipelines.dataset import TraceDataset
from pipelines.labels import RULES, by_rules, label


def vector(**values: float) -> FloatArray:
    """Everything present and low, but for what is named."""
    row = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features], dtype=np.float32)
    for name, value in values.items():
        row[FEATURE_SCHEMA_V1.index(name)] = value
    return row


PRESSED_MEMORY = {"dram_utilisation": 0.8, "memory_bound_share": 0.4}


def window(
    of: TraceDataset,
    during: FloatArray,
    *,
    injected: tuple[Injection, ...] = (),
    provenance: Provenance = Provenance.RULE,
    pressed: tuple[Axis, ...] = (),
) -> LabelledTrace:
    changes = {
        "during": tuple(to_json_values(during)),
        "injected": injected,
        "provenance": provenance,
        "pressed": pressed,
    }
    return of.traces[0].model_copy(update=changes)


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_is_pressed_where_all_its_signs_show(axis: Axis) -> None:
    signs = RULES[axis]
    said = by_rules(np.stack([vector(**{sign.feature: sign.at_least for sign in signs}), vector()]))
    assert said[:, AXES.index(axis)].tolist() == [1.0, 0.0]


def test_a_rule_whose_counters_are_missing_gives_no_answer_unless_another_sign_denies_it() -> None:
    membw = AXES.index(Axis.MEMBW)
    unknown = vector(dram_utilisation=math.nan, memory_bound_share=0.4)
    denied = vector(dram_utilisation=math.nan, memory_bound_share=0.0)
    said = by_rules(np.stack([unknown, denied]))[:, membw]
    assert math.isnan(said[0])
    assert said[1] == 0.0


def test_the_stressor_has_the_first_word_and_conflicts_are_counted(dataset: TraceDataset) -> None:
    strong = (Injection(axis=Axis.LLC, intensity=0.5),)
    weak = (Injection(axis=Axis.LLC, intensity=0.49),)
    windows = [
        window(dataset, vector(**PRESSED_MEMORY), injected=strong),
        window(dataset, vector(), injected=weak),
        window(dataset, vector(**PRESSED_MEMORY)),
    ]
    labels = label(windows, intensity=0.5, fewest_pressed=1)
    llc, membw = AXES.index(Axis.LLC), AXES.index(Axis.MEMBW)
    assert labels.pressed[:, llc].tolist() == [1.0, 0.0, 0.0]
    assert labels.pressed[:, membw].tolist() == [0.0, 0.0, 1.0]
    assert labels.provenance == (Provenance.INJECTED, Provenance.INJECTED, Provenance.RULE)
    assert {axis: count for axis, count in labels.conflicts.items() if count} == {Axis.LLC: 1, Axis.MEMBW: 1}


def test_an_operators_label_stands(dataset: TraceDataset) -> None:
    told = window(dataset, vector(**PRESSED_MEMORY), provenance=Provenance.OPERATOR, pressed=(Axis.DDIO,))
    labels = label([told], intensity=0.5, fewest_pressed=1)
    assert [axis for axis, said in zip(AXES, labels.pressed[0], strict=True) if said == 1.0] == [Axis.DDIO]
    assert labels.provenance == (Provenance.OPERATOR,)


def test_axes_that_are_hardly_ever_pressed_are_not_judged(dataset: TraceDataset) -> None:
    pressed = [window(dataset, vector(**PRESSED_MEMORY))] * 3
    labels = label([*pressed, window(dataset, vector())], intensity=0.5, fewest_pressed=3)
    assert labels.judged == (Axis.MEMBW,)
    assert label([*pressed, window(dataset, vector())], intensity=0.5, fewest_pressed=4).judged == ()
    assert label(pressed, intensity=0.5, fewest_pressed=1).judged == ()
