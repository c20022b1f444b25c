import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector
from feature_repo.history import VectorKey, latest_vectors, vectors_as_of
from feature_repo.ingest import Ingest
from feature_repo.names import MAXIMUM_AGE
from feature_repo.rows import ceil_to_microseconds
from feature_repo.store import Store
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS, WITHOUT_SHRINKING, random_values, vector

MAXIMUM_AGE_US = round(MAXIMUM_AGE.total_seconds() * 1_000_000)
MAXIMUM_AGE_NS = MAXIMUM_AGE_US * 1000


def _reference(vectors: Sequence[FeatureVector], key: VectorKey) -> FeatureVector | None:
    known = [
        one
        for one in vectors
        if (one.node, one.domain) == (key.node, key.domain)
        and one.window_end_ns <= key.at_ns
        and ceil_to_microseconds(key.at_ns) - ceil_to_microseconds(one.window_end_ns) <= MAXIMUM_AGE_US
    ]
    return max(known, key=lambda one: (one.window_end_ns, one.window_start_ns), default=None)


_node_numbers = itertools.count()
_windows = st.lists(
    st.tuples(
        st.sampled_from(["socket0", "socket1"]),
        st.integers(0, 40),  # the window's end, in steps of 50 s
        st.integers(0, 1999),  # and this many nanoseconds
        st.sampled_from([1, 10, 40]),  # its length in seconds: no two windows start together
    ),
    max_size=12,
    unique_by=lambda window: (window[0], window[1], window[3]),
)
_offsets = st.sampled_from(
    [-SECOND_NS, -1000, -1, 0, 1, 999, SECOND_NS, MAXIMUM_AGE_NS - 2000, MAXIMUM_AGE_NS, MAXIMUM_AGE_NS + 2000]
)
_asked = st.lists(st.tuples(st.sampled_from(["socket0", "socket1"]), st.integers(0, 40), _offsets), max_size=10)


@settings(max_examples=25, deadline=None, phases=WITHOUT_SHRINKING)
@given(windows=_windows, asked=_asked)
def test_join_is_the_reference(
    either_store: Store,
    windows: list[tuple[str, int, int, int]],
    asked: list[tuple[str, int, int]],
) -> None:
    node = f"node-{next(_node_numbers)}"
    extra_ns = {(domain, end): extra for domain, end, extra, _ in windows}  # windows ending together end exactly so
    vectors = [
        FeatureVector(
            node=node,
            domain=domain,
            window_start_ns=DAY_START_NS + end * 50 * SECOND_NS + extra_ns[domain, end] - length * SECOND_NS,
            window_length_ns=length * SECOND_NS,
            values=random_values(place),
        )
        for place, (domain, end, _, length) in enumerate(windows)
    ]
    keys = [
        VectorKey(node, domain, DAY_START_NS + end * 50 * SECOND_NS + extra_ns.get((domain, end), 0) + offset)
        for domain, end, offset in asked
    ]
    Ingest(either_store).accept(vectors[::2])
    Ingest(either_store).accept([*vectors[1::2], *vectors[:3]])
    assert vectors_as_of(either_store, keys) == tuple(_reference(vectors, key) for key in keys)


def test_join_of_a_thousand_is_the_reference(store: Store) -> None:
    generator = np.random.default_rng(7)
    nodes = [f"node-{number}" for number in range(5)]
    vectors = [
        vector(start + generator.integers(0, 3).item(), node=node, seed=generator.integers(2**32).item())
        for node in nodes
        for start in range(0, 4000, 10)
        if generator.random() < 0.3
    ]
    Ingest(store).accept(vectors)
    keys = [
        VectorKey(str(generator.choice(nodes)), "socket0", DAY_START_NS + int(generator.integers(0, 4500 * SECOND_NS)))
        for _ in range(1000)
    ]
    found = vectors_as_of(store, keys)
    assert found == tuple(_reference(vectors, key) for key in keys)
    assert 0 < sum(one is None for one in found) < 1000


def test_a_running_window_is_not_handed_out(store: Store) -> None:
    before, running = vector(0), vector(10)
    Ingest(store).accept([before, running])
    last_nanosecond = VectorKey("node-a", "socket0", running.window_end_ns - 1)
    assert vectors_as_of(store, [last_nanosecond]) == (before,)
    assert vectors_as_of(store, [replace(last_nanosecond, at_ns=running.window_end_ns)]) == (running,)


def test_an_end_within_the_asked_microsecond_does_not_leak(store: Store) -> None:
    before, running = vector(0), vector(10, length_ns=10 * SECOND_NS + 700)
    Ingest(store).accept([before, running])
    asked = [VectorKey("node-a", "socket0", running.window_end_ns + offset) for offset in (-500, -1, 0, 1)]
    assert vectors_as_of(store, asked) == (before, before, running, running)


def test_a_vector_grows_too_old(store: Store) -> None:
    Ingest(store).accept([vector()])
    end = vector().window_end_ns
    asked = [VectorKey("node-a", "socket0", end + MAXIMUM_AGE_NS + offset) for offset in (0, 1000)]
    assert vectors_as_of(store, asked) == (vector(), None)


def test_a_vector_that_came_late_joins_where_it_belongs(store: Store) -> None:
    Ingest(store).accept([vector(20)])
    Ingest(store).accept([vector(10)])
    assert vectors_as_of(store, [VectorKey("node-a", "socket0", vector(10).window_end_ns)]) == (vector(10),)


def test_of_two_that_end_together_the_later_start_wins(store: Store) -> None:
    long, short = vector(0, length_ns=60 * SECOND_NS), vector(50)
    Ingest(store).accept([short, long])
    assert vectors_as_of(store, [VectorKey("node-a", "socket0", short.window_end_ns)]) == (short,)
    assert latest_vectors(store, [("node-a", "socket0")]) == (short,)


def test_answers_come_in_the_order_of_the_keys_and_keys_may_repeat(store: Store) -> None:
    vectors = [vector(node=node, domain=domain) for node in ("b", "a") for domain in ("socket1", "socket0")]
    Ingest(store).accept(vectors)
    keys = [VectorKey(one.node, one.domain, one.window_end_ns) for one in vectors]
    absent = VectorKey("c", "socket0", vectors[0].window_end_ns)
    found = vectors_as_of(store, [*keys, absent, *reversed(keys)])
    assert found == (*vectors, None, *reversed(vectors))
    domains = [(one.node, one.domain) for one in vectors]
    assert latest_vectors(store, [*domains, ("c", "socket0"), *reversed(domains)]) == found


def test_values_that_could_be_confused_come_back_both_ways(store: Store) -> None:
    maxima = np.array([spec.maximum for spec in FEATURE_SCHEMA_V1.features], np.float32)
    zero_and_missing = np.zeros(len(FEATURE_SCHEMA_V1), np.float32)
    zero_and_missing[::2] = np.nan
    all_missing = np.full(len(FEATURE_SCHEMA_V1), np.nan, np.float32)
    tiny = np.full(len(FEATURE_SCHEMA_V1), np.float32(1e-45))
    vectors = [
        replace(vector(node=f"node-{place}"), values=values)
        for place, values in enumerate((maxima, zero_and_missing, all_missing, tiny))
    ]
    for one in vectors:  # each in a batch of its own: Feast drops a pushed frame whose features are all missing
        Ingest(store).accept([one])
    keys = [VectorKey(one.node, one.domain, one.window_end_ns) for one in vectors]
    assert vectors_as_of(store, keys) == tuple(vectors)
    assert latest_vectors(store, [(one.node, one.domain) for one in vectors]) == tuple(vectors)


def test_latest_is_handed_out_however_old(store: Store) -> None:
    ancient = vector(-40 * 365 * 86400)
    Ingest(store).accept([ancient])
    assert latest_vectors(store, [("node-a", "socket0")]) == (ancient,)


def test_nothing_is_found_in_an_empty_store(store: Store) -> None:
    assert vectors_as_of(store, []) == ()
    assert latest_vectors(store, []) == ()
    assert vectors_as_of(store, [VectorKey("node-a", "socket0", DAY_START_NS)]) == (None,)
    assert latest_vectors(store, [("node-a", "socket0")]) == (None,)


def test_more_domains_than_one_read_takes(store: Store) -> None:
    vectors = [vector(domain=f"socket{number}") for number in range(1100)]
    Ingest(store).accept(vectors)
    assert latest_vectors(store, [(one.node, one.domain) for one in vectors]) == tuple(vectors)
