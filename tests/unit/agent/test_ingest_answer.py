import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.http_client import Answer
from agent.ingest_answer import Failure, Indigestible, Pace, Report, meaning_of

URL = "http://ingest:8080"


def meaning(status: int, body: object = None, *, sent: int = 3, **headers: str) -> Report | Indigestible | Failure:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return meaning_of(Answer(status=status, headers=fields, body=content), sent=sent, url=URL)


def test_a_report_tells_of_every_vector_that_was_sent() -> None:
    body = {"written": 1, "repeated": 1, "refused": [{"place": 2, "reason": "torn"}], "advanced": 1, "later": "more"}
    report = meaning(200, body)
    assert isinstance(report, Report)
    assert (report.written, report.repeated, report.refused[0].reason) == (1, 1, "torn")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome to nginx</html>",
        b'{"written": 3',
        {"written": 2, "repeated": 0, "refused": []},
        {"written": 4, "repeated": -1, "refused": []},
        {"written": "3", "repeated": 0, "refused": []},
        {"written": 3},
        [3],
    ],
    ids=["empty", "page", "torn", "short", "negative", "text", "partial", "list"],
)
def test_a_200_that_does_not_account_for_the_vectors_delivers_none(body: object) -> None:
    assert meaning(200, body) == Failure(
        trouble="ingest-strange",
        sentence=f"{URL} answers 200 without a report on the vectors that were sent: is this the address of Leeward's "
        "ingest?",
    )


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_no_answer_but_a_whole_report_delivers_anything(status: int, body: bytes) -> None:
    assert not isinstance(meaning(status, body), Report)


@pytest.mark.parametrize(
    ("status", "trouble", "pace"),
    [
        (204, "ingest-strange", Pace.USUAL),
        (302, "ingest-strange", Pace.USUAL),
        (401, "ingest-denied", Pace.USUAL),
        (403, "ingest-denied", Pace.USUAL),
        (404, "ingest-strange", Pace.USUAL),
        (408, "ingest-busy", Pace.USUAL),
        (409, "ingest-busy", Pace.SOON),
        (410, "ingest-gone", Pace.LATE),
        (429, "ingest-busy", Pace.USUAL),
        (500, "ingest-fails", Pace.USUAL),
        (503, "ingest-busy", Pace.USUAL),
        (504, "ingest-fails", Pace.USUAL),
    ],
)
def test_other_answers_are_failures_in_which_the_servers_sentence_stands(status: int, trouble: str, pace: Pace) -> None:
    failure = meaning(status, {"error": "because\x00 of\n this"})
    assert isinstance(failure, Failure)
    assert (failure.trouble, failure.pace, failure.asked_seconds) == (trouble, pace, None)
    assert failure.sentence.startswith(URL)
    assert "because of this" in failure.sentence


def test_ingests_own_400_and_413_are_about_the_batch() -> None:
    assert meaning(400, {"error": "torn"}) == Indigestible(reason="torn", is_too_large=False)
    assert meaning(413, {"error": "more than 10 bytes"}) == Indigestible(reason="more than 10 bytes", is_too_large=True)


def test_something_else_than_ingest_makes_batches_smaller_and_drops_no_vector() -> None:
    assert meaning(413, b"<html>") == Indigestible(reason="too large", is_too_large=True)
    for failure in (meaning(413, b"<html>", sent=1), meaning(400, b"<html>"), meaning(400, ["error"])):
        assert isinstance(failure, Failure)
        assert failure.trouble == "ingest-strange"


def test_retry_after_is_heeded_by_the_servers_clock() -> None:
    server_now = datetime.now(UTC) + timedelta(hours=1)
    then = format_datetime(server_now + timedelta(seconds=90), usegmt=True)
    failure = meaning(503, date=format_datetime(server_now, usegmt=True), retry_after=then)
    assert isinstance(failure, Failure)
    assert failure.asked_seconds == 90.0
    for status in (401, 409, 410, 429, 500, 503):
        failure = meaning(status, retry_after="7", date="no date")
        assert isinstance(failure, Failure)
        assert failure.asked_seconds == 7.0


@pytest.mark.parametrize("zone", ["+9999", "+99999999999999999999", "-99999999999999999999"])
def test_a_date_that_no_clock_has_is_passed_over(zone: str) -> None:
    wrong = f"Mon, 01 Jan 2024 00:00:00 {zone}"
    assert Answer(status=503, headers={"date": wrong}).date is None
    for retry_after, asked_seconds in (("7", 7.0), (wrong, None)):
        failure = meaning(503, date=wrong, retry_after=retry_after)
        assert isinstance(failure, Failure)
        assert failure.asked_seconds == asked_seconds
