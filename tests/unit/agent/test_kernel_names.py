import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.event_table import definition
from agent.kernel_names import KERNEL_NAMES, disagreements, fields_on, parse_terms
from tests.unit.agent.machine_tree import CORE_NAMES, IMC_NAMES, TOP_DOWN_NAMES

NAMED = {
    name: terms
    for name, text in (CORE_NAMES | TOP_DOWN_NAMES | IMC_NAMES).items()
    if "." not in name and (terms := parse_terms(text)) is not None
}
"""What kernels since 5.15 say on a Sapphire Rapids node."""
SHIPPED = [definition(name) for name in KERNEL_NAMES]


@given(terms=st.dictionaries(st.sampled_from(["event", "umask", "cmask", "inv", "ldlat"]), st.integers(0, 2**64 - 1)))
def test_terms_are_read_back_without_their_zeros(terms: dict[str, int]) -> None:
    text = ",".join(f"{name}={value:#04x}" for name, value in terms.items())
    expected = {name: value for name, value in terms.items() if value}
    assert parse_terms(text) == (expected if terms else None)


def test_a_term_without_a_value_is_one() -> None:
    assert parse_terms("event=0xcd,inv") == {"event": 0xCD, "inv": 1}


@pytest.mark.parametrize("text", ["", "event=0xcd;event=0xd0", "event=?", "event=0xcd,,umask=1", "6.1e-5", "MiB"])
def test_another_notation_is_none(text: str) -> None:
    assert parse_terms(text) is None


def test_kernel_and_vendor_differ_in_the_dram_clock_alone() -> None:
    (differing,) = disagreements(SHIPPED, NAMED)
    assert differing.event == "UNC_M_CLOCKTICKS"
    assert (differing.kernel, differing.vendor) == ({"event": 1}, {"event": 1, "umask": 1})


def test_the_kernel_decides_on_what_it_makes_up_itself_and_on_nothing_else() -> None:
    terms = {"slots": {"event": 0x99}, "clockticks": {"event": 0x98}, "cache-misses": {"event": 0x97}}
    assert fields_on(definition("TOPDOWN.SLOTS"), terms) == {"event": 0x99}
    for name in ("UNC_M_CLOCKTICKS", "LONGEST_LAT_CACHE.MISS"):
        assert fields_on(definition(name), terms) == definition(name).fields
