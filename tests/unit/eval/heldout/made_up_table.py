"""A table as another tool might write it, and its mapping: made up by the few lines of arithmetic below.

    python -m tests.unit.eval.heldout.made_up_table

writes both into ``data``. Six workloads on one domain: each alone, then each two together, in both orders of arrival.
One row a second; each workload's own rate stands in a column of its own.
"""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
TABLE, MAPPING = "made-up.csv", "made-up.toml"

_PRESSES = {"cache": 0.7, "crypto": 0.15, "forward": 0.35, "index": 0.55, "mail": 0.25, "stream": 0.9}
_SUFFERS = {"cache": 0.5, "crypto": 0.05, "forward": 0.4, "index": 0.6, "mail": 0.2, "stream": 0.3}
_ALONE = {"cache": 4.0, "crypto": 1.5, "forward": 9.0, "index": 3.0, "mail": 2.0, "stream": 6.0}
_SECONDS = 4

_HEAD = """# Made up: nothing of this was measured or simulated. See made_up_table.py.
campaign = "made-up"

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
misses = { column = "misses", unit = "millions" }
hits = { column = "hits", unit = "millions" }
occupied = { column = "occupied", unit = "MiB", level = true }
read = { column = "read", unit = "GB" }
written = { column = "written", unit = "GB" }

[events]
"MEM_LOAD_RETIRED.L3_MISS" = "misses"
"MEM_LOAD_RETIRED.L3_HIT" = "hits"
"RESCTRL.LLC_OCCUPANCY_BYTES" = "occupied"

[features]
dram_utilisation = "(read + written) / (NODE.DRAM_PEAK_BYTES_PER_SECOND * NODE.WINDOW_SECONDS)"
memory_write_share = "written / (read + written)"

[node]
name = "made-up-1"
cpu_vendor = "GenuineIntel"
cpu_family = 6
cpu_model = 85
llc_bytes = 104857600
dram_peak_bytes_per_second = 128e9

[label]
domain = "socket0"
phase_column = "phase"
"""


def phases() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names, and who runs: the last one came last."""
    for name in _PRESSES:
        yield f"{name} alone", (name,)
    for first, second in permutations(_PRESSES, 2):
        yield f"{first} alone", (first,)
        yield f"{second} came to {first}", (first, second)


def table() -> str:
    """The CSV file."""
    random = np.random.default_rng(7)
    lines = [",".join(("time", "phase", "misses", "hits", "occupied", "read", "written", *_PRESSES))]
    time = 0
    for name, parties in phases():
        for _ in range(_SECONDS):
            time += 1
            pressure = 1.0 - float(np.prod([1.0 - _PRESSES[party] for party in parties]))
            shaken = pressure * float(random.uniform(0.97, 1.03))
            counters = (20 * shaken, 50 * (1.1 - shaken), 90 * shaken, 70 * shaken, 25 * shaken)
            cells = [f"{value:.2f}" for value in counters] + [_rate(party, parties, random) for party in _PRESSES]
            lines.append(",".join((str(time), name, *cells)))
    return "\n".join(lines) + "\n"


def _rate(party: str, parties: tuple[str, ...], random: np.random.Generator) -> str:
    if party not in parties:
        return ""
    others = sum(_PRESSES[other] for other in parties if other != party)
    return f"{_ALONE[party] / (1.0 + _SUFFERS[party] * others) * float(random.uniform(0.99, 1.01)):.3f}"


def mapping() -> str:
    """The mapping file."""
    lines = [_HEAD]
    for name, parties in dict(phases()).items():
        lines += [f'[label.phases."{name}"]', f"parties = [{', '.join(f'{party!r}' for party in parties)}]"]
        lines += [f'arrived = "{parties[-1]}"\n' if len(parties) > 1 else ""]
    for party in _PRESSES:
        indicator = f'{{ kind = "throughput", column = "{party}", unit = "millions/s" }}'
        lines += [f"[label.parties.{party}]", f'group = "{party}"', f"indicator = {indicator}\n"]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    (DATA / TABLE).write_text(table(), encoding="utf-8")
    (DATA / MAPPING).write_text(mapping(), encoding="utf-8")
