"""Stressor first, rules else, and no answer where a rule's counters are missing or speak against no stressor."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import Injection, LabelledTrace, Provenance
from contracts.vector import FloatArray, to_json_values
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.labels import RULES, by_rules, label


def vector(**values: float) -> FloatArray:
    """Everything present and low, but for what is named."""
    row = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features], dtype=np.float32)
    for name, value in values.items():
        row[FEATURE_SCHEMA_V1.index(name)] = value
    return row


PRESSED_MEMORY = {"dram_utilisation": 0.8, "memory_bound_share": 0.4, "super_queue_full_share": 0.1}


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


def something_to_learn(of: TraceDataset) -> list[LabelledTrace]:
    """An axis pressed and clear, which labelling asks for."""
    return [window(of, vector(), provenance=Provenance.OPERATOR, pressed=pressed) for pressed in ((Axis.LLC,), ())]


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_is_pressed_where_all_its_signs_show(axis: Axis) -> None:
    signs = RULES[axis]
    said = by_rules(np.stack([vector(**{sign.feature: sign.at_least for sign in signs}), vector()]))
    assert said[:, AXES.index(axis)].tolist() == [1.0, 0.0]


def test_a_rule_whose_counters_are_missing_gives_no_answer_unless_another_sign_denies_it() -> None:
    membw = AXES.index(Axis.MEMBW)
    unknown = vector(**PRESSED_MEMORY | {"dram_utilisation": math.nan})
    denied = vector(dram_utilisation=math.nan, memory_bound_share=0.0)
    said = by_rules(np.stack([unknown, denied]))[:, membw]
    assert math.isnan(said[0])
    assert said[1] == 0.0


def test_the_stressor_has_the_first_word(dataset: TraceDataset) -> None:
    strong = (Injection(axis=Axis.LLC, intensity=0.5),)
    weak = (Injection(axis=Axis.LLC, intensity=0.49),)
    windows = [
        window(dataset, vector(), injected=strong),
        window(dataset, vector(), injected=weak),
        window(dataset, vector(**PRESSED_MEMORY)),
    ]
    labels = label(windows, intensity=0.5, fewest_pressed=1)
    llc, membw = AXES.index(Axis.LLC), AXES.index(Axis.MEMBW)
    assert labels.pressed[:, llc].tolist() == [1.0, 0.0, 0.0]
    assert labels.pressed[:, membw].tolist() == [0.0, 0.0, 1.0]
    assert labels.provenance == (Provenance.INJECTED, Provenance.INJECTED, Provenance.RULE)


def test_nobody_can_say_where_a_rule_sees_pressure_on_an_axis_without_a_stressor(dataset: TraceDataset) -> None:
    beside = (Injection(axis=Axis.LLC, intensity=1.0),)
    measured = window(dataset, vector(**PRESSED_MEMORY), injected=beside)
    labels = label([measured, *something_to_learn(dataset)], intensity=0.5, fewest_pressed=1)
    said = dict(zip(AXES, labels.pressed[0].tolist(), strict=True))
    assert math.isnan(said.pop(Axis.MEMBW))
    assert said.pop(Axis.LLC) == 1.0
    assert set(said.values()) == {0.0}
    assert {each.axis for each in labels.agreement if each.undecided} == {Axis.MEMBW}


def test_a_weak_stressor_settles_its_axis_whatever_the_rule_sees(dataset: TraceDataset) -> None:
    weak = (Injection(axis=Axis.MEMBW, intensity=0.2), Injection(axis=Axis.MEMBW, intensity=0.49))
    measured = window(dataset, vector(**PRESSED_MEMORY), injected=weak)
    labels = label([measured, *something_to_learn(dataset)], intensity=0.5, fewest_pressed=1)
    assert labels.pressed[0].tolist() == [0.0] * len(AXES)
    assert {each.axis for each in labels.agreement if each.rule_alone} == {Axis.MEMBW}
    assert not any(each.undecided for each in labels.agreement)


def test_agreement_counts_windows_with_a_stressor_alone(dataset: TraceDataset) -> None:
    strong = (Injection(axis=Axis.LLC, intensity=0.5),)
    windows = [
        window(dataset, vector(**PRESSED_MEMORY), injected=strong),
        window(dataset, vector(**dict.fromkeys((sign.feature for sign in RULES[Axis.LLC]), math.nan)), injected=strong),
        window(dataset, vector(**PRESSED_MEMORY)),
        window(dataset, vector(**PRESSED_MEMORY), provenance=Provenance.OPERATOR, injected=strong),
    ]
    labels = label(windows, intensity=0.5, fewest_pressed=1)
    assert {each.axis: each.stressor_alone for each in labels.agreement if each.stressor_alone} == {Axis.LLC: 1}
    assert {each.axis: each.rule_alone for each in labels.agreement if each.rule_alone} == {Axis.MEMBW: 1}
    assert [each.axis for each in labels.agreement] == list(AXES)
    assert {each.said + each.unsaid for each in labels.agreement} == {2}


def test_an_operators_label_stands(dataset: TraceDataset) -> None:
    told = window(dataset, vector(**PRESSED_MEMORY), provenance=Provenance.OPERATOR, pressed=(Axis.DDIO,))
    labels = label([told, *something_to_learn(dataset)], intensity=0.5, fewest_pressed=1)
    assert [axis for axis, said in zip(AXES, labels.pressed[0], strict=True) if said == 1.0] == [Axis.DDIO]
    assert set(labels.provenance) == {Provenance.OPERATOR}


def test_axes_that_are_hardly_ever_pressed_are_not_judged(dataset: TraceDataset) -> None:
    often = [window(dataset, vector(**PRESSED_MEMORY))] * 3
    once = window(dataset, vector(), injected=(Injection(axis=Axis.UPI, intensity=1.0),))
    assert label([*often, once], intensity=0.5, fewest_pressed=1).judged == (Axis.MEMBW, Axis.UPI)
    assert label([*often, once], intensity=0.5, fewest_pressed=3).judged == (Axis.MEMBW,)


@pytest.mark.parametrize(
    ("clear_windows", "fewest_pressed"), [(1, 4), (0, 1)], ids=["too rarely pressed", "never clear"]
)
def test_windows_that_no_axis_can_be_learnt_from_are_refused(
    dataset: TraceDataset, clear_windows: int, fewest_pressed: int
) -> None:
    told = window(dataset, vector(), provenance=Provenance.OPERATOR, pressed=(Axis.MEMBW,))
    clear = window(dataset, vector())
    with pytest.raises(DataError, match=r"^no axis can be judged: .* \(llc in 0, membw in 3, .*\); run a campaign"):
        label([told] * 3 + [clear] * clear_windows, intensity=0.5, fewest_pressed=fewest_pressed)


@given(arrays(np.float32, (5, len(FEATURE_SCHEMA_V1)), elements=st.floats(0.0, 7.0, width=32) | st.just(math.nan)))
def test_a_missing_counter_never_turns_one_answer_of_a_rule_into_the_other(vectors: FloatArray) -> None:
    whole = np.nan_to_num(vectors, nan=7.0)
    seen, known = by_rules(vectors), by_rules(whole)
    low = by_rules(np.nan_to_num(vectors, nan=0.0))
    assert ((seen == known) | np.isnan(seen)).all()
    assert ((seen == low) | np.isnan(seen)).all()
    assert not np.isnan(known).any()
