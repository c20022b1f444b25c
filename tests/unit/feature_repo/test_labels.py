import random

import pandas as pd
import pytest

from contracts.errors import ContractError
from contracts.trace import LabelledTrace
from feature_repo.documents import LABELS
from feature_repo.labels import labels_between, write_labels
from feature_repo.names import LABEL_NAME
from feature_repo.reads import reading_history
from feature_repo.store import Store
from tests.unit.feature_repo.documents import label
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS

HOUR = 3600
"""Each test has hours of its own."""


def _between(store: Store, start_seconds: float, end_seconds: float) -> tuple[LabelledTrace, ...]:
    start, end = (DAY_START_NS + round(seconds * SECOND_NS) for seconds in (start_seconds, end_seconds))
    return labels_between(store, start, end)


def test_labels_are_found_by_the_end_of_their_windows(either_store: Store) -> None:
    labels = [label("upf", start) for start in (0, 10, 20)]
    assert write_labels(either_store, labels) == 3
    assert _between(either_store, 20, 30) == tuple(labels[1:])
    assert _between(either_store, 10.5, 29.5) == (labels[1],)
    assert _between(either_store, 31, 40) == ()


def test_an_end_within_a_microsecond_is_told_to_the_nanosecond(either_store: Store) -> None:
    one = label("amf", HOUR, extra_ns=500)
    write_labels(either_store, [one])
    end = DAY_START_NS + (HOUR + 10) * SECOND_NS
    assert labels_between(either_store, end, end + 499) == ()
    assert labels_between(either_store, end + 500, end + 500) == (one,)
    assert labels_between(either_store, end + 501, end + SECOND_NS) == ()


def test_two_victims_of_one_window_are_two_labels(either_store: Store) -> None:
    both = [label(victim, 2 * HOUR) for victim in ("amf", "upf")]
    write_labels(either_store, both[::-1])
    assert _between(either_store, 2 * HOUR, 3 * HOUR) == tuple(both)


def test_writing_again_is_safe(either_store: Store) -> None:
    one = label("upf", 4 * HOUR)
    assert [write_labels(either_store, [one, one]) for _ in range(2)] == [1, 0]
    assert _between(either_store, 4 * HOUR, 5 * HOUR) == (one,)


def test_what_is_known_does_not_change(either_store: Store) -> None:
    one, other = label("upf", 6 * HOUR), label("upf", 6 * HOUR, together=5.0)
    write_labels(either_store, [one])
    with pytest.raises(ContractError, match=r"label_v1 of node-a/socket0/upf/2026-03-01 06:00:10.*Nothing"):
        write_labels(either_store, [label("amf", 6 * HOUR), other])
    assert _between(either_store, 6 * HOUR, 7 * HOUR) == (one,)


def test_a_batch_over_midnight_is_found_whole(either_store: Store) -> None:
    labels = tuple(label("upf", 24 * HOUR + start) for start in (-20, -10, 0))
    write_labels(either_store, labels)
    assert write_labels(either_store, labels) == 0
    assert _between(either_store, 24 * HOUR - 20, 24 * HOUR + 20) == labels


@pytest.mark.parametrize("seed", range(3))
def test_pieces_that_overlap_are_written_once_in_whatever_order_they_come(either_store: Store, seed: int) -> None:
    chance = random.Random(seed)
    first = (48 + 2 * seed) * HOUR
    labels = [label(f"cnf-{number % 7}", first + 10 * number, node=f"node-{number % 5}") for number in range(120)]
    pieces = [labels[start : start + 25] for start in range(0, 120, 20)]
    chance.shuffle(pieces)
    for piece in pieces:
        chance.shuffle(piece)
        write_labels(either_store, piece)
    assert write_labels(either_store, labels) == 0
    assert _between(either_store, first, first + 1200) == tuple(labels)


def test_feasts_own_join_hands_a_label_out_for_its_window_and_not_before(either_store: Store) -> None:
    one = label("upf", 30 * HOUR)
    write_labels(either_store, [one])
    ends = pd.Timestamp(one.window_start_ns + one.window_length_ns, unit="ns", tz="UTC")
    asked = pd.DataFrame(
        {
            "node": "node-a",
            "domain": "socket0",
            "workload": "upf",
            "event_timestamp": [ends - pd.Timedelta(microseconds=1), ends, ends + pd.Timedelta(hours=1)],
            "place": range(3),
        }
    )
    service = either_store.feast.get_feature_service(LABEL_NAME)
    with reading_history(either_store):
        rows = either_store.feast.get_historical_features(entity_df=asked, features=service).to_arrow()
    before, at, long_after = rows.sort_by("place").to_pylist()
    assert LABELS.columns.restore([at]) == (one,)
    assert before["label_slowdown"] is None
    assert long_after["label_slowdown"] is None
