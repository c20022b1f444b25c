from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cpu_list import MOST_CPUS, parse_cpu_list, read_cpu_list
from agent.errors import TopologyError


def in_the_kernels_notation(cpus: set[int]) -> str:
    """As ``bitmap_print_to_pagebuf`` writes it: runs of neighbours as ranges."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts)


@given(cpus=st.sets(st.integers(0, MOST_CPUS - 1)))
def test_what_the_kernel_writes_is_read_back(cpus: set[int]) -> None:
    assert parse_cpu_list(in_the_kernels_notation(cpus) + "\n") == tuple(sorted(cpus))


@given(text=st.text(alphabet="0123456789-, \tx\u0664", max_size=30))
def test_other_text_is_refused_or_names_cpus_that_a_kernel_can_have(text: str) -> None:
    try:
        cpus = parse_cpu_list(text)
    except TopologyError:
        return
    assert list(cpus) == sorted(set(cpus))
    assert all(0 <= cpu < MOST_CPUS for cpu in cpus)


@pytest.mark.parametrize("text", ["a", "1-", "-3", "1,,2", "3-1", "8192", "0-99999999999", "9" * 5000])
def test_what_is_no_cpu_list_is_refused(text: str) -> None:
    with pytest.raises(TopologyError, match="CPU list"):
        parse_cpu_list(text)


def test_a_file_that_is_no_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cpulist"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TopologyError, match="cpulist: CPU list"):
        read_cpu_list(path)
    assert read_cpu_list(tmp_path / "absent") == ()
