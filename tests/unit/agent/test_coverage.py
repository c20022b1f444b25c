from agent.coverage import MAXIMUM_GROUPS, MAXIMUM_REASON, coverage_of, missing_by_errno, wanted_events
from agent.sources.protocol import MissingEvent, Opened

EVENTS = sorted(wanted_events())


def missing(event: str, *, errno: str = "ENOENT", reason: str = "not here") -> MissingEvent:
    return MissingEvent(event=event, errno=errno, reason=reason)


def test_counts_and_reasons_are_summed_over_sources() -> None:
    coverage = coverage_of(
        [
            Opened(events=frozenset(EVENTS[:10]), missing=tuple(missing(event) for event in EVENTS[10:40])),
            Opened(missing=tuple(missing(event, errno="EACCES", reason="forbidden") for event in EVENTS[40:])),
        ]
    )
    assert (coverage.wanted, coverage.opened) == (len(EVENTS), 10)
    assert [(group.errno, group.reason, len(group.events)) for group in coverage.missing] == [
        ("ENOENT", "not here", 30),
        ("EACCES", "forbidden", len(EVENTS) - 40),
    ]
    assert missing_by_errno(coverage) == {"ENOENT": 30, "EACCES": len(EVENTS) - 40}


def test_events_that_no_source_serves_are_told_as_switched_off() -> None:
    coverage = coverage_of([Opened(events=frozenset(EVENTS[1:]))])
    (group,) = coverage.missing
    assert (group.errno, group.events) == ("ENODATA", (EVENTS[0],))
    assert "switched off" in group.reason


def test_ceilings_are_not_counted() -> None:
    assert not any(name.startswith("NODE.") for name in EVENTS)


def test_many_reasons_are_pooled_without_losing_an_event() -> None:
    answers = [
        Opened(missing=tuple(missing(event, reason=f"reason {index % 20}") for index, event in enumerate(EVENTS)))
    ]
    coverage = coverage_of(answers)
    assert len(coverage.missing) == MAXIMUM_GROUPS
    assert sorted(event for group in coverage.missing for event in group.events) == EVENTS
    assert "several reasons" in coverage.missing[-1].reason


def test_long_reasons_are_cut_to_what_a_node_state_holds() -> None:
    coverage = coverage_of([Opened(missing=tuple(missing(event, reason="x" * 500) for event in EVENTS))])
    assert len(coverage.missing[0].reason) == MAXIMUM_REASON


def test_an_event_that_one_source_lacks_and_another_counts_is_counted() -> None:
    everything = frozenset(EVENTS)
    assert coverage_of([Opened(missing=(missing(EVENTS[0]),)), Opened(events=everything)]).missing == ()
