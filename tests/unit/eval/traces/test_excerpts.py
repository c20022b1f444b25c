"""What PCM and perf really wrote: see ``data/README.md``."""

from pathlib import Path

import numpy as np
import pytest

from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import MINIMUM_PRESENT_FEATURES
from eval.traces.import_table import FREQUENCY, Imported, import_table
from eval.traces.mapping import read_mapping
from eval.traces.refusal import Refusals

DATA = Path(__file__).parent / "data"


def imported(table: str, mapping: str) -> Imported:
    refusals = Refusals()
    done = import_table(DATA / table, read_mapping(DATA / mapping), refusals=refusals, beside=DATA)
    assert (refusals.total, done.traces, done.profiles) == (0, (), ())
    return done


def test_pcm_gives_two_features_a_socket_and_the_clock_is_refused() -> None:
    done = imported("firewall-pcm.csv", "pcm.toml")
    assert [each.domain for each in done.vectors] == ["socket0", "socket1"]
    assert done.features == {"l3_miss_ratio": 2, "memory_write_share": 2}
    assert {name.split("|")[1] for name in done.columns[FREQUENCY]} >= {
        "IPC",
        "EXEC",
        "FREQ",
        "AFREQ",
        "PhysIPC",
        "TIME(ticks)",
    }
    assert all(name.startswith(("Socket", "UncFREQ", "Core3")) for name in done.columns[FREQUENCY])


def test_the_ratio_made_of_pcms_misses_is_the_one_that_pcm_rounds() -> None:
    lines = (DATA / "firewall-pcm.csv").read_text().splitlines()
    names, rows = lines[1].split(","), [line.split(",") for line in lines[2:12]]
    place = names.index("L3HIT")
    weights = [float(row[names.index("L2MISS")]) for row in rows]
    told = np.average([1 - float(row[place]) for row in rows], weights=weights)
    made = imported("firewall-pcm.csv", "pcm.toml").vectors[0].value("l3_miss_ratio")
    assert made == pytest.approx(told, abs=0.006)


def test_times_of_pcm_are_local_and_end_the_interval() -> None:
    first = imported("firewall-pcm.csv", "pcm.toml").vectors[0]
    assert first.window_end_ns == 1_709_627_460_602_000_000  # 2024-03-05 09:31:00.602 at +01:00
    assert first.window_start_ns == 1_709_627_450_600_000_000


def test_a_counter_that_pcm_lets_wrap_is_missing_in_its_socket_alone() -> None:
    done = imported("firewall-9gbps-pcm.csv", "pcm.toml")
    assert [bool(np.isnan(each.value("memory_write_share"))) for each in done.vectors] == [False, True]
    assert done.missing["memory_write_share", "not measured in the window"] == 1


def test_pcm_memory_and_pcm_agree_on_the_same_seconds() -> None:
    of_memory = imported("pcm-memory.csv", "pcm_memory.toml")
    assert of_memory.features == {"dram_utilisation": 4, "memory_write_share": 4}
    both = [imported("firewall-pcm.csv", "pcm.toml").vectors[0], of_memory.vectors[0]]
    assert [each.domain for each in both] == ["socket0", "socket0"]
    assert both[0].value("memory_write_share") == pytest.approx(both[1].value("memory_write_share"), abs=0.03)
    assert of_memory.vectors[0].value("dram_utilisation") == pytest.approx(0.85 / 46.9, rel=0.1)


@pytest.mark.parametrize(
    ("table", "reason"), [("bridge-perf.csv", "outside its range"), ("firewall-perf.csv", "not measured in the window")]
)
def test_multiplexed_and_uncounted_events_of_perf_are_no_ratio(table: str, reason: str) -> None:
    done = imported(table, "perf.toml")
    assert done.missing["l3_request_miss_ratio", reason] == 1
    assert done.vectors[0].present_count == 0
    assert done.vectors[0].window_end_ns // 10**9 == 1_679_591_147


def test_a_table_of_their_own_making_is_summed_over_its_functions() -> None:
    done = imported("combined.csv", "combined.toml")
    lines = (DATA / "combined.csv").read_text().splitlines()
    names = lines[0].split(",")
    sums = dict.fromkeys(("_cache-misses", "_cache-references"), 0.0)
    for line in lines[1:11]:
        for name, cell in zip(names, line.split(","), strict=True):
            for ending in sums:
                sums[ending] += float(cell) if name.endswith(ending) else 0.0
    assert len(done.vectors) == 6
    assert done.vectors[0].value("l3_request_miss_ratio") == np.float32(
        sums["_cache-misses"] / sums["_cache-references"]
    )


@pytest.mark.parametrize(
    ("table", "mapping"),
    [("firewall-pcm.csv", "pcm.toml"), ("combined.csv", "combined.toml"), ("bridge-perf.csv", "perf.toml")],
)
def test_too_little_of_a_foreign_cpu_is_there_for_a_regime(table: str, mapping: str) -> None:
    done = imported(table, mapping)
    assert max(each.present_count for each in done.vectors) < MINIMUM_PRESENT_FEATURES < len(FEATURE_SCHEMA_V1)
    assert not read_mapping(DATA / mapping).node.characterised
