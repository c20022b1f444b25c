"""A laboratory's own table: one domain, a row a second, a column that names the phase, one that says the throughput."""

from collections.abc import Mapping, Sequence
from pathlib import Path

OWN = """
campaign = "lab"

[table]
kind = "wide"
interval_seconds = 1.0
window_seconds = 2.0

[time]
columns = ["time"]
unit = "s"
stamps = "end"
since = 2026-01-01T00:00:00Z

[columns]
misses = { column = "misses", unit = "count" }
hits = { column = "hits", unit = "count" }
occupied = { column = "occupied", unit = "MiB", level = true }
dram = { column = "dram", unit = "GB/s" }

[events]
"MEM_LOAD_RETIRED.L3_MISS" = "misses"
"MEM_LOAD_RETIRED.L3_HIT" = "hits"
"RESCTRL.LLC_OCCUPANCY_BYTES" = "occupied"

[features]
dram_utilisation = "dram / (NODE.DRAM_PEAK_BYTES_PER_SECOND * NODE.WINDOW_SECONDS)"

[node]
name = "lab-1"
cpu_vendor = "GenuineIntel"
cpu_family = 6
cpu_model = 143
llc_bytes = 104857600
dram_peak_bytes_per_second = 300e9
"""

LABEL = """
[label]
domain = "socket0"
phase_column = "phase"

[label.phases.empty]
parties = []

[label.phases.alone]
parties = ["firewall"]
arrived = "firewall"

[label.phases.stressor]
parties = ["stress"]

[label.phases.company]
parties = ["firewall", "stress"]
arrived = "stress"
injected = [{ axis = "membw", intensity = 0.75 }]

[label.parties.firewall]
group = "firewall"
indicator = { kind = "throughput", column = "rate", unit = "millions/s" }

[label.parties.stress]
group = "stressor"
"""

Row = Mapping[str, object]


def mapping_file(directory: Path, text: str = OWN, name: str = "mapping.toml") -> Path:
    """A mapping, written."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def table_file(directory: Path, rows: Sequence[Row], name: str = "table.csv") -> Path:
    """A table whose columns are those of the first row."""
    header = list(rows[0])
    lines = [",".join(header), *(",".join(str(row[column]) for column in header) for row in rows)]
    path = directory / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def second(time: int, *, phase: str = "", misses: object = 10, rate: object = "") -> dict[str, object]:
    """One row."""
    return {
        "time": time,
        "misses": misses,
        "hits": 30,
        "occupied": 50,
        "dram": 60,
        "phase": phase,
        "rate": rate,
    }


def measurement() -> list[dict[str, object]]:
    """Nobody, the stressor alone, nobody, the firewall alone, both: four seconds each."""
    phases = (("empty", "", 1), ("stressor", "", 20), ("empty", "", 1), ("alone", 8.0, 10), ("company", 4.0, 30))
    return [
        second(4 * place + step + 1, phase=phase, rate=rate, misses=misses)
        for place, (phase, rate, misses) in enumerate(phases)
        for step in range(4)
    ]
