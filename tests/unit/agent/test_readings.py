from dataclasses import replace

from agent.readings import ends_of, merge
from agent.sources.protocol import Reading

OCCUPANCY = "RESCTRL.LLC_OCCUPANCY_BYTES"


def reading(at: int, **occupancy: float) -> Reading:
    gauges = {domain: {OCCUPANCY: value} for domain, value in occupancy.items()}
    return Reading(wall_ns=at, monotonic_ns=at, gauges=gauges)


def test_merging_keeps_the_first_moment_and_all_gauges() -> None:
    merged = merge([reading(1, socket0=1.0), reading(2, socket1=2.0)])
    assert merged.wall_ns == 1
    assert merged.gauges == {"socket0": {OCCUPANCY: 1.0}, "socket1": {OCCUPANCY: 2.0}}


def test_merging_keeps_the_time_asleep_of_whoever_knows_it() -> None:
    knowing = replace(reading(2), asleep_ns=7)
    assert merge([reading(1), knowing]).asleep_ns == merge([knowing, reading(1)]).asleep_ns == 7


def test_a_windows_gauges_are_their_mean_after_its_start() -> None:
    samples = [reading(0, socket0=1000.0), reading(1, socket0=1.0), reading(2, socket0=2.0), reading(3, socket0=6.0)]
    first, last = ends_of(samples)
    assert first is samples[0]
    assert (last.monotonic_ns, last.gauges) == (3, {"socket0": {OCCUPANCY: 3.0}})


def test_a_gauge_that_failed_once_is_the_mean_of_the_rest_and_one_never_read_is_absent() -> None:
    _, last = ends_of([reading(0, socket1=5.0), reading(1), reading(2, socket0=4.0)])
    assert last.gauges == {"socket0": {OCCUPANCY: 4.0}}
