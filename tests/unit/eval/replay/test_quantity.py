"""Kubernetes' quantities in whole units."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.replay.quantity import whole_units
from scheduler_extender.errors import PodError


@pytest.mark.parametrize(
    ("resource", "quantity", "units"),
    [
        ("cpu", "2", 2000),
        ("cpu", "500m", 500),
        ("cpu", "0.1", 100),
        ("cpu", ".5", 500),
        ("cpu", "1n", 1),
        ("cpu", 2, 2000),
        ("cpu", 1.5, 1500),
        ("memory", "4Gi", 4 * 2**30),
        ("memory", "1e3", 1000),
        ("memory", "1E3", 1000),
        ("memory", "2E", 2 * 10**18),
        ("memory", "1.5Ki", 1536),
        ("memory", "100m", 1),
        ("pods", "110", 110),
        ("intel.com/sriov", "+3", 3),
    ],
)
def test_quantities_are_read_as_the_api_server_reads_them(resource: str, quantity: str | float, units: int) -> None:
    assert whole_units(resource, quantity) == units


@pytest.mark.parametrize("quantity", ["", "4 Gi", "Gi", "1kk", "1e", "1.2.3", "inf", "nan", "0x10", "1" * 41, "1e999"])
def test_what_is_no_quantity_is_refused_with_its_text(quantity: str) -> None:
    with pytest.raises(PodError, match=r"which is no quantity: 2, 500m and 4Gi are"):
        whole_units("memory", quantity)


@given(st.decimals(min_value=0, max_value=10**6, places=3), st.sampled_from(["", "k", "Ki", "m"]))
def test_units_are_rounded_up_and_never_down(number: Decimal, suffix: str) -> None:
    factor = {"": Decimal(1), "k": Decimal(1000), "Ki": Decimal(1024), "m": Decimal("0.001")}[suffix]
    assert whole_units("memory", f"{number}{suffix}") == math.ceil(number * factor)
