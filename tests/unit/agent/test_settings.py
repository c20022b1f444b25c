from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import AgentError
from agent.settings import AgentSettings, Roots
from contracts.nodestate import EventGroup, IsolatedCpuPolicy, Spec

SPECS = st.builds(
    Spec,
    sampling_period_seconds=st.none() | st.floats(0.1, 30.0),
    window_seconds=st.none() | st.floats(60.0, 600.0),
    event_groups=st.none() | st.lists(st.sampled_from(EventGroup), unique=True).map(tuple),
    isolated_cpus=st.none() | st.sampled_from(IsolatedCpuPolicy),
)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sampling_period_seconds": 0.0}, "a sample every 0.0 s and a window of 10.0 s: a window holds a sample"),
        ({"sampling_period_seconds": 11.0}, "a sample every 11.0 s and a window of 10.0 s: a window holds a sample"),
        ({"window_seconds": float("nan")}, "a window of nan s"),
        ({"window_seconds": 601.0}, "window_seconds is 601.0: say a number above 0, up to 600"),
        ({"heartbeat_seconds": 0.0}, "heartbeat_seconds is 0.0: say a number above 0, up to 3600"),
        ({"heartbeat_seconds": float("nan")}, "heartbeat_seconds is nan: say a number"),
        ({"minimum_running_share": 1.1}, "minimum_running_share is 1.1: say a number from 0 to 1"),
        ({"remote_reads_per_second": 0.0}, "remote_reads_per_second is 0.0: say a number above 0"),
        ({"spool_bytes": 1023}, "spool_bytes is 1023: say a whole number from 1048576 to"),
        ({"event_groups": ()}, "say a list of core, uncore, resctrl: at least one, each once"),
        ({"event_groups": (EventGroup.CORE, EventGroup.CORE)}, "at least one, each once"),
        ({"isolated_cpus": "always"}, "isolated_cpus is always: say one of full, sampled, never"),
        ({"ingest_url": "leeward-ingest:8080"}, "ingest_url is leeward-ingest:8080: say text such as http://"),
        ({"ingest_url": "http://h/p?x=1"}, "ingest_url is http://h/p"),
        ({"model_url": "http://h:99999"}, "model_url is http://h:99999"),
        ({"listen": "9464"}, r"listen is 9464: say text such as 0.0.0.0:9464 or \[::1\]:9464"),
        ({"listen": "host:65536"}, "listen is host:65536"),
        ({"node": ""}, "node is : say text such as worker-7"),
        ({"node": 7}, "node is 7: say text"),
    ],
    ids=str,
)
def test_what_is_unlawful_is_refused_with_what_would_be_lawful(changed: dict[str, object], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        AgentSettings(**{"node": "n1", **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        (":0", ("", 0)),
        ("[::]:80", ("::", 80)),
        ("node-7.local:1", ("node-7.local", 1)),
        (None, None),
    ],
)
def test_where_to_listen_is_said_as_host_and_port(listen: str | None, address: tuple[str, int] | None) -> None:
    assert AgentSettings(node="n1", listen=listen).listen_address == address


def test_all_roots_lie_below_one(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    assert all(getattr(roots, root.name).is_relative_to(tmp_path) for root in fields(Roots))
    assert [root.name for root in fields(Roots)] == ["sys", "proc", "resctrl", "cgroup"]


def test_a_spec_that_says_nothing_changes_nothing() -> None:
    settings = AgentSettings(node="n1", window_seconds=30.0)
    assert settings.with_spec(Spec()) == settings
    assert settings.with_spec(None) == settings


def test_a_spec_is_put_over_the_settings() -> None:
    settings = AgentSettings(node="n1", window_seconds=30.0)
    changed = settings.with_spec(Spec(sampling_period_seconds=5.0, isolated_cpus=IsolatedCpuPolicy.FULL))
    assert (changed.sampling_period_seconds, changed.isolated_cpus) == (5.0, IsolatedCpuPolicy.FULL)
    assert (changed.window_seconds, changed.node) == (30.0, "n1")


def test_a_spec_that_does_not_go_with_the_settings_is_refused_with_what_to_do() -> None:
    settings = AgentSettings(node="n1", sampling_period_seconds=5.0)
    with pytest.raises(AgentError, match=r"spec can't be followed: a sample every 5.0 s and a window of 2.0 s.*edit"):
        settings.with_spec(Spec(window_seconds=2.0))
    with pytest.raises(AgentError, match="spec can't be followed: event_groups"):
        settings.with_spec(Spec(event_groups=()))


@given(SPECS)
def test_a_spec_is_followed_to_the_letter_or_refused(spec: Spec) -> None:
    settings = AgentSettings(node="n1")
    goes_together = (spec.sampling_period_seconds or 1.0) <= (spec.window_seconds or 10.0) and spec.event_groups != ()
    if not goes_together:
        with pytest.raises(AgentError, match="can't be followed"):
            settings.with_spec(spec)
        return
    changed = settings.with_spec(spec)
    for key, value in spec:
        assert getattr(changed, key) == (getattr(settings, key) if value is None else value)
