"""What is written is what Prometheus' own parser reads."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from serving.exposition import Family, Kind, Sample, exposition

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=20)
"""The parser splits lines as Python does, at more characters than Prometheus, which splits at line feeds alone."""
LABELS = st.dictionaries(st.sampled_from(["verb", "domain", "a1", "_x"]), TEXT, max_size=3).map(
    lambda labels: tuple(labels.items())
)
SAMPLES = st.lists(
    st.builds(Sample, value=st.floats() | st.integers(-(2**60), 2**60), labels=LABELS),
    max_size=5,
    unique_by=lambda sample: tuple(sorted(sample.labels)),
).map(tuple)
FAMILIES = st.lists(
    st.builds(
        lambda stem, kind, text, samples: Family(
            name=f"{stem}_total" if kind is Kind.COUNTER else stem, kind=kind, text=text, samples=samples
        ),
        st.from_regex(r"[a-z][a-z0-9_]{0,10}x", fullmatch=True),
        st.sampled_from(Kind),
        TEXT.map(str.strip),
        SAMPLES,
    ),
    max_size=4,
    unique_by=lambda family: family.name.removesuffix("_total"),
)


def same(value: float, other: float) -> bool:
    return value == other or (math.isnan(value) and math.isnan(other))


@given(FAMILIES)
def test_prometheus_reads_what_was_said(families: list[Family]) -> None:
    read = list(text_string_to_metric_families(exposition(families)))
    assert [(family.type, family.documentation) for family in read] == [(said.kind, said.text) for said in families]
    for family, said in zip(read, families, strict=True):
        assert len(family.samples) == len(said.samples)
        for sample, expected in zip(family.samples, said.samples, strict=True):
            assert (sample.name, sample.labels) == (said.name, dict(expected.labels))
            assert same(sample.value, expected.value)


@given(st.text(max_size=20))
def test_a_label_takes_one_line_whatever_it_says(text: str) -> None:
    sample = Sample(value=1, labels=(("name", text),))
    said = exposition([Family(name="a", kind=Kind.GAUGE, text=text, samples=(sample,))])
    assert said.count("\n") == 3
    assert said.split("\n")[2].endswith('"} 1')


@pytest.mark.parametrize(
    ("name", "labels"), [("a-b", ()), ("1a", ()), ("", ()), ("a", (("b-c", ""),)), ("a", (("__name__", ""),))]
)
def test_names_that_prometheus_refuses_are_refused(name: str, labels: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValueError, match="Prometheus takes no such name"):
        Family(name=name, kind=Kind.GAUGE, text="", samples=(Sample(value=0, labels=labels),))


@pytest.mark.parametrize(("name", "kind"), [("a", Kind.COUNTER), ("a_total", Kind.GAUGE)])
def test_counters_and_they_alone_end_in_total(name: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match="counters end in _total"):
        Family(name=name, kind=kind, text="", samples=())


def test_numbers_beyond_all_numbers_have_their_own_spelling() -> None:
    samples = tuple(
        Sample(value=value, labels=(("n", str(index)),)) for index, value in enumerate([math.inf, -math.inf, math.nan])
    )
    lines = exposition([Family(name="a", kind=Kind.GAUGE, text="", samples=samples)]).splitlines()
    assert [line.rpartition(" ")[2] for line in lines[2:]] == ["+Inf", "-Inf", "NaN"]
