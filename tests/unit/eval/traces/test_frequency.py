import csv
from pathlib import Path

import pytest

from contracts.events import DIMENSIONLESS, Base, Unit
from eval.traces.errors import MappingError
from eval.traces.frequency import (
    carries_frequency,
    refuse_foreign_event,
    refuse_foreign_feature,
    refuse_frequency_column,
)

DATA = Path(__file__).parent / "data"
UNITS = {
    "misses": Unit.of(Base.COUNT),
    "hits": Unit.of(Base.COUNT),
    "clocks": Unit.of(Base.CORE_CLOCK),
    "stalls": Unit.of(Base.CORE_CLOCK),
    "crystal": Unit.of(Base.CRYSTAL_CLOCK),
    "moved": Unit.of(Base.BYTE),
    "ratio": DIMENSIONLESS,
    "seconds": Unit.of(Base.SECOND),
}

CLOCKED = """
    FREQ AFREQ CFREQ IPC EXEC INSTnom INSTnom% TIME(ticks) core_frequency Avg_MHz Bzy_MHz GHz cpu0_ghz aperf msr_mperf
    bus-cycles ref-cycles msr/tsc/ firewall_ipc cpi Busy% utilization utilisation% CPU%
"""
GROUPED = [
    "UncFREQ (Ghz)|SKT0",
    "Socket 0|FREQ",
    "Core7 (Socket 0)|AFREQ",
    "Socket 1|PhysIPC",
    "Socket 1|PhysIPC%",
    "cpu freq",
]
LAWFUL = """
    L3MISS L2MISS READ WRITE L3OCC cycles ACYC LLC-loads instructions cache-misses frequently_missed executed
    dTLB-load-misses recipients pkts_cpu
"""


@pytest.mark.parametrize("name", [*CLOCKED.split(), *GROUPED])
def test_names_of_clocks_are_refused(name: str) -> None:
    assert carries_frequency(name)
    with pytest.raises(MappingError, match="carries the core clock or what follows it"):
        refuse_frequency_column(name, where="[columns] a")


@pytest.mark.parametrize("name", [*LAWFUL.split(), "Socket 0|L2MISS", "Mem Read (MB/s)"])
def test_other_names_are_not(name: str) -> None:
    refuse_frequency_column(name, where="[columns] a")


def test_every_clock_in_a_real_header_of_pcm_is_found() -> None:
    with (DATA / "firewall-pcm.csv").open(newline="") as file:
        groups, names = list(csv.reader(file))[:2]
    clocked = {name for group, name in zip(groups, names, strict=True) if carries_frequency(f"{group}|{name}")}
    assert clocked == {
        "EXEC", "IPC", "FREQ", "AFREQ", "TIME(ticks)", "PhysIPC", "PhysIPC%", "INSTnom", "INSTnom%", "SKT0", "SKT1",
    }  # fmt: skip
    assert {
        g for g, name in zip(groups, names, strict=True) if name == "SKT0" and carries_frequency(f"{g}|{name}")
    } == {"UncFREQ (Ghz)"}


@pytest.mark.parametrize(
    ("event", "formula", "sentence"),
    [
        ("MSR.APERF", "clocks", "no feature is made of it"),
        ("NODE.CORE_GHZ", "clocks / seconds", "no feature is made of it"),
        ("NODE.LLC_BYTES", "moved", "no feature is made of it"),
        ("INST_RETIRED.ANY", "clocks", r"is in \[core clock\], the contract counts it in \[count\]"),
        ("MEM_LOAD_RETIRED.L3_MISS", "misses / clocks", r"is in \[core clock\^-1 count\]"),
        ("MEM_LOAD_RETIRED.L3_MISS", "misses + clocks", r"adds \[count\] to \[core clock\]"),
        ("MEM_LOAD_RETIRED.L3_MISS", "lost", "neither in .columns. nor an event"),
        ("MEM_LOAD_RETIRED.L3_MISS", "MEM_LOAD_RETIRED.L3_HIT", "made of .columns. alone"),
        ("MEM_LOAD_RETIRED.L3_MISS", "misses **", "is not an expression"),
        ("MEM_LOAD_RETIRED.L3_MISS", "open('x')", "only events, numbers"),
    ],
)
def test_an_event_is_counted_in_its_own_unit(event: str, formula: str, sentence: str) -> None:
    with pytest.raises(MappingError, match=sentence):
        refuse_foreign_event(event, formula, UNITS)


def test_ticks_become_the_events_whose_formulas_the_guard_has_seen() -> None:
    refuse_foreign_event("CPU_CLK_UNHALTED.THREAD", "clocks", UNITS)


@pytest.mark.parametrize(
    ("feature", "formula", "sentence"),
    [
        ("l3_misses", "misses / hits", "no such feature"),
        ("l3_miss_ratio", "misses", r"left with the unit \[count\]"),
        ("l3_miss_ratio", "misses / clocks", r"left with the unit \[core clock\^-1 count\]"),
        ("super_queue_full_share", "stalls / clocks", r"reads clocks, which ticks \(core clock\)"),
        ("smt_overlap", "clocks / crystal", "left with the unit"),
        ("l3_miss_ratio", "seconds / seconds * ratio", r"reads seconds, which ticks \(second\)"),
        ("l3_miss_ratio", "XQ.FULL_CYCLES / CPU_CLK_UNHALTED.THREAD", "its clock class is weak or moves"),
        ("l3_miss_ratio", "CPU_CLK_UNHALTED.THREAD / CPU_CLK_UNHALTED.REF_TSC", "left with the unit"),
        ("dtlb_walks", "log1p(misses)", "takes a logarithm of something with a unit"),
    ],
)
def test_a_feature_is_a_ratio_of_like_things_and_reads_no_clock(feature: str, formula: str, sentence: str) -> None:
    with pytest.raises(MappingError, match=sentence):
        refuse_foreign_feature(feature, formula, UNITS)


@pytest.mark.parametrize(
    ("feature", "formula"),
    [
        ("l3_miss_ratio", "misses / (hits + misses)"),
        ("l3_miss_ratio", "1 - ratio"),
        ("dram_utilisation", "moved / (NODE.DRAM_PEAK_BYTES_PER_SECOND * NODE.WINDOW_SECONDS)"),
        ("memory_write_share", "UNC_M_CAS_COUNT.WR / (UNC_M_CAS_COUNT.RD + UNC_M_CAS_COUNT.WR)"),
    ],
)
def test_a_lawful_feature_passes(feature: str, formula: str) -> None:
    refuse_foreign_feature(feature, formula, UNITS)
