import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import CLOCKS, Base, Unit
from eval.traces.errors import MappingError
from eval.traces.units import MEASURES, measure


@pytest.mark.parametrize(
    ("name", "scale"),
    [("KB", 1000), ("KiB", 1024), ("MB", 10**6), ("MiB", 2**20), ("GB", 10**9), ("GiB", 2**30), ("GB/s", 10**9)],
)
def test_bytes_are_decimal_unless_they_say_otherwise(name: str, scale: int) -> None:
    assert (measure(name, where="a").scale, measure(name, where="a").unit) == (scale, Unit.of(Base.BYTE))


def test_what_is_per_second_is_a_rate_of_the_same_unit() -> None:
    for name, found in MEASURES.items():
        assert found.rate is name.endswith("/s"), name
        if found.rate:
            assert (found.scale, found.unit) == (MEASURES[name[:-2]].scale, MEASURES[name[:-2]].unit)


def test_no_unit_is_a_frequency() -> None:
    for name, found in MEASURES.items():
        powers = dict(found.unit.powers)
        assert not any(power < 0 for power in powers.values()), name
        assert len(found.unit.clocks & CLOCKS) <= 1, name


@pytest.mark.parametrize("name", ["Hz", "MHz", "GHz", "ghz", "KHz"])
def test_a_frequency_is_refused_as_one(name: str) -> None:
    with pytest.raises(MappingError, match=r"\[columns\] clock is in .*: a frequency is no feature"):
        measure(name, where="[columns] clock")


@given(st.text(max_size=12).filter(lambda name: name not in MEASURES and not name.lower().endswith("hz")))
def test_any_other_word_is_no_unit(name: str) -> None:
    with pytest.raises(MappingError, match="which is no unit here: count, thousands"):
        measure(name, where="column a")
