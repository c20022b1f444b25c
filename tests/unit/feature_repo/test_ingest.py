import itertools
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema
from contracts.vector import FeatureVector, to_json
from feature_repo.history import VectorKey, latest_vectors, vectors_as_of
from feature_repo.ingest import CLOCK_TOLERANCE_NS, Ingest
from feature_repo.report import IngestReport, Refusal
from feature_repo.rows import from_rows
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS, WITHOUT_SHRINKING, random_values, vector

NARROW = FeatureSchema.of(1, FEATURE_SCHEMA_V1.features[:-1])


def _foreign(start_seconds: float = 0) -> FeatureVector:
    one = vector(start_seconds)
    return replace(one, values=one.values[:-1], schema=NARROW)


def _rows(store: Store) -> list[FeatureVector]:
    """All of history, row by row."""
    table = ds.dataset(store.history, format="parquet").to_table()
    return sorted(from_rows(table), key=lambda one: (one.node, one.domain, one.window_start_ns))


def _state(store: Store) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_ino, path.read_bytes()) for path in store.directory.rglob("*") if path.is_file()}


def test_a_batch_goes_online_and_into_history(store: Store) -> None:
    batch = [vector(start, domain=domain) for domain in ("socket0", "socket1") for start in (0, 10, 20)]
    report = Ingest(store).accept(batch)
    assert report == IngestReport(written=6, repeated=0, refused=(), advanced=2)
    assert _rows(store) == batch
    assert latest_vectors(store, [("node-a", "socket0"), ("node-a", "socket1")]) == (batch[2], batch[5])


def test_encoded_vectors_are_taken_as_the_agent_wrote_them(store: Store) -> None:
    report = Ingest(store).accept_encoded([to_json(vector(0)), to_json(vector(10)).decode()])
    assert report.written == 2
    assert _rows(store) == [vector(0), vector(10)]


def test_a_vector_of_another_schema_leaves_no_trace(store: Store) -> None:
    before = _state(store)
    report = Ingest(store).accept([_foreign(0), _foreign(10)])
    assert (report.written, report.repeated, report.advanced) == (0, 0, 0)
    assert [refusal.place for refusal in report.refused] == [0, 1]
    assert report.refused[0].reason == (
        f"vector of 'node-a'/'socket0': its schema is {NARROW.digest}, this reader knows {FEATURE_SCHEMA_V1.digest} "
        "(feature vector v1): upgrade the older of writer and reader"
    )
    assert _state(store) == before


def test_good_vectors_are_taken_beside_bad_ones(store: Store) -> None:
    report = Ingest(store).accept([vector(0), _foreign(10), vector(20)])
    assert (report.written, [refusal.place for refusal in report.refused]) == (2, [1])
    assert _rows(store) == [vector(0), vector(20)]


def test_refusals_of_both_kinds_come_in_the_batchs_order(store: Store) -> None:
    early = Ingest(store, now_ns=lambda: DAY_START_NS)
    far_ahead = to_json(vector(86400))
    report = early.accept_encoded([b"{torn", far_ahead, to_json(vector(0)), b"[]", to_json(_foreign())])
    assert [refusal.place for refusal in report.refused] == [0, 1, 3, 4]
    assert report.written == 1
    assert report.refused[0].reason.startswith("vector is torn or not JSON")
    assert report.refused[2] == Refusal(place=3, reason="vector is a list; the contract says an object")


def test_a_window_ahead_of_the_clock_is_refused(store: Store) -> None:
    one = vector()
    behind = Ingest(store, now_ns=lambda: one.window_end_ns - CLOCK_TOLERANCE_NS - 60 * SECOND_NS)
    (refusal,) = behind.accept([one]).refused
    assert refusal.reason == (
        "vector of 'node-a'/'socket0': its window ends 360 s ahead of ingest's clock, 300 s are allowed: "
        "set the node's clock"
    )
    at_the_limit = Ingest(store, now_ns=lambda: one.window_end_ns - CLOCK_TOLERANCE_NS)
    assert at_the_limit.accept([one]).written == 1


@pytest.mark.parametrize("name", ["two words", "\ud800", "tab\t", "naïve", "line\n", "nul\0"])
def test_names_that_no_node_has_are_refused(store: Store, name: str) -> None:
    report = Ingest(store).accept([vector(node=name), vector(domain=name), vector()])
    assert [refusal.place for refusal in report.refused] == [0, 1]
    assert "printable ASCII" in report.refused[0].reason
    assert report.written == 1


def test_a_batch_sent_again_changes_nothing(store: Store) -> None:
    batch = [vector(start) for start in (0, 10, 20)]
    Ingest(store).accept(batch)
    before = _state(store)
    report = Ingest(store).accept(batch)
    assert (report.written, report.repeated, report.advanced) == (0, 3, 0)
    assert _state(store) == before


def test_a_repeat_within_a_batch_is_counted(store: Store) -> None:
    report = Ingest(store).accept([vector(), vector(), vector(10)])
    assert (report.written, report.repeated) == (2, 1)
    assert _rows(store) == [vector(0), vector(10)]


def test_the_first_of_two_with_one_key_stays(store: Store) -> None:
    first, second = vector(seed=1), vector(seed=2)
    longer = vector(seed=3, length_ns=20 * SECOND_NS)
    Ingest(store).accept([first, second])
    report = Ingest(store).accept([second, longer])
    assert (report.repeated, report.advanced) == (2, 0)
    assert _rows(store) == [first]
    assert latest_vectors(store, [("node-a", "socket0")]) == (first,)


def test_an_older_vector_does_not_replace_a_newer_one_online(store: Store) -> None:
    Ingest(store).accept([vector(20)])
    report = Ingest(store).accept([vector(10), vector(0)])
    assert (report.written, report.advanced) == (2, 0)
    assert latest_vectors(store, [("node-a", "socket0")]) == (vector(20),)
    assert _rows(store) == [vector(0), vector(10), vector(20)]


def test_the_order_within_a_batch_does_not_matter(store: Store) -> None:
    Ingest(store).accept([vector(10), vector(20), vector(0)])
    assert latest_vectors(store, [("node-a", "socket0")]) == (vector(20),)


@settings(max_examples=25, deadline=None, phases=WITHOUT_SHRINKING)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from(["socket0", "socket1"]), st.integers(0, 8)), max_size=8), max_size=5
    )
)
def test_any_order_and_repetition_gives_each_vector_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int]]]
) -> None:
    store = open_store(tmp_path_factory.mktemp("state"))
    reports: list[IngestReport] = []
    for batch in batches:
        # a fresh seed each time it is sent: the first one to arrive is the one that stays
        sent = [vector(step * 1000, domain=domain, seed=len(reports)) for domain, step in batch]
        reports.append(Ingest(store).accept(sent))
    first_sent: dict[tuple[str, int], int] = {}
    for place, batch in enumerate(batches):
        for window in batch:
            first_sent.setdefault(window, place)
    expected = {
        window: vector(window[1] * 1000, domain=window[0], seed=seed) for window, seed in sorted(first_sent.items())
    }
    assert _rows(store) == list(expected.values())
    assert sum(report.written for report in reports) == len(expected)
    assert sum(report.written + report.repeated for report in reports) == sum(len(batch) for batch in batches)
    for domain in ("socket0", "socket1"):
        steps = [step for name, step in expected if name == domain]
        newest = expected[domain, max(steps)] if steps else None
        assert latest_vectors(store, [("node-a", domain)]) == (newest,)


_NUMBERS = itertools.count()


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("other"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from(["socket0", "socket1", "torn"]), st.integers(0, 6)), max_size=6), max_size=5
    )
)
def test_batches_taken_together_are_reported_as_if_one_had_come_after_the_other(
    store: Store, other: Store, batches: list[list[tuple[str, int]]]
) -> None:
    node = f"node-{next(_NUMBERS)}"
    encoded = [
        [
            to_json(vector(10 * step, node=node, domain=domain))[: 9 if domain == "torn" else None]
            for domain, step in one
        ]
        for one in batches
    ]
    together = Ingest(store).accept_together(encoded)
    assert together == tuple(Ingest(other).accept_encoded(batch) for batch in encoded)
    domains = [(node, "socket0"), (node, "socket1")]
    assert latest_vectors(store, domains) == latest_vectors(other, domains)
    assert _rows(store) == _rows(other)


def test_a_batch_that_failed_half_way_is_completed_when_sent_again(store: Store) -> None:
    in_the_way = store.history / "date=2026-03-01"
    in_the_way.write_text("a file where a directory belongs")
    batch = [vector(0), vector(10)]
    with pytest.raises(OSError, match="date=2026-03-01"):
        Ingest(store).accept(batch)
    in_the_way.unlink()
    report = Ingest(store).accept(batch)
    assert (report.written, report.repeated, report.advanced) == (2, 0, 0)
    assert _rows(store) == batch
    assert latest_vectors(store, [("node-a", "socket0")]) == (vector(10),)


def test_an_empty_batch_is_lawful(store: Store) -> None:
    assert Ingest(store).accept([]) == IngestReport(written=0, repeated=0, refused=(), advanced=0)


def test_writers_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    """Each writer has a store handle of its own, as a process would; they send overlapping batches."""
    stores = [open_store(tmp_path) for _ in range(3)]
    batches = [[vector(start + 10 * step, node=f"node-{start % 7}") for step in range(4)] for start in range(0, 300, 5)]
    written: list[int] = []

    def send(store: Store, offset: int) -> None:
        for batch in batches[offset:] + batches[:offset]:
            written.append(Ingest(store).accept(batch).written)  # noqa: PERF401

    threads = [threading.Thread(target=send, args=(store, 13 * place)) for place, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    unique = {(one.node, one.window_start_ns): one for batch in batches for one in batch}
    assert Counter(_rows(stores[0])) == Counter(unique.values())
    assert sum(written) == len(unique)
    for node in {one.node for one in unique.values()}:
        newest = max((one for one in unique.values() if one.node == node), key=lambda one: one.window_start_ns)
        assert latest_vectors(stores[1], [(node, "socket0")]) == (newest,)


def test_a_reader_never_sees_half_a_vector(store: Store) -> None:
    """Every value of a vector is its step over a hundred: a mixed one would show."""
    done = threading.Event()
    torn: list[FeatureVector] = []

    def step_vector(step: int) -> FeatureVector:
        return replace(vector(10 * step), values=np.full(len(FEATURE_SCHEMA_V1), step / 100, np.float32))

    def read() -> None:
        while not done.is_set():
            (one,) = latest_vectors(store, [("node-a", "socket0")])
            if one is not None and one != step_vector((one.window_start_ns - DAY_START_NS) // (10 * SECOND_NS)):
                torn.append(one)

    reader = threading.Thread(target=read)
    reader.start()
    for step in range(60):
        Ingest(store).accept([step_vector(step)])
    done.set()
    reader.join()
    assert torn == []


def test_joins_from_several_threads(store: Store) -> None:
    Ingest(store).accept([vector(start) for start in (0, 10, 20)])
    keys = [VectorKey("node-a", "socket0", vector(start).window_end_ns) for start in (0, 10, 20)]
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(vectors_as_of(store, keys))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(vector(0), vector(10), vector(20))] * 4


def test_seeds_give_different_vectors() -> None:
    assert not np.array_equal(random_values(1), random_values(2), equal_nan=True)
