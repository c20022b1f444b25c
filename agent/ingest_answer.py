"""What an answer of the ingest endpoint means for the vectors that were sent; see ``docs/ingest-api.md``."""

import json
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from agent.http_client import Answer

_LONGEST_QUOTE = 200


class Refusal(BaseModel):
    """A vector that ingest will never take.

    Attributes:
        place: its index in the batch.
        reason: why.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    place: NonNegativeInt
    reason: str


class Report(BaseModel):
    """What became of a batch; what a later ingest says besides is left alone.

    Attributes:
        written, repeated: vectors that were new, and known already.
        refused: the others.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    written: NonNegativeInt
    repeated: NonNegativeInt
    refused: list[Refusal]

    @property
    def total(self) -> int:
        """Vectors that it tells of."""
        return self.written + self.repeated + len(self.refused)


class Pace(Enum):
    """When a batch that was not taken is worth another try."""

    SOON = "soon"
    USUAL = "usual"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Nothing was taken, and the same can be sent again.

    Attributes:
        trouble: its name for ``Troubles``.
        sentence: what is wrong and what to do.
        pace: when to try again.
        asked_seconds: how long ingest asked to be left alone, if it did.
    """

    trouble: str
    sentence: str
    pace: Pace = Pace.USUAL
    asked_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indigestible:
    """Ingest will not take this batch as it is; parts of it perhaps. It will never take a batch of one that is.

    What else may answer in ingest's place gives no reason: its word is taken for the size of larger batches alone.

    Attributes:
        reason: what it says.
        is_too_large: so the parts should be smaller.
    """

    reason: str
    is_too_large: bool


def meaning_of(answer: Answer, *, sent: int, url: str) -> Report | Indigestible | Failure:
    """What to make of an answer.

    Args:
        answer: to a batch.
        sent: how many vectors the batch had.
        url: of ingest, for sentences.
    """
    if answer.status == HTTPStatus.OK:
        report = _report(answer.body)
        if report is not None and report.total == sent:
            return report
        return _strange(url, "answers 200 without a report on the vectors that were sent")
    said = _said(answer)
    if answer.status == HTTPStatus.BAD_REQUEST and said is not None:
        return Indigestible(reason=said, is_too_large=False)
    if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and (sent > 1 or said is not None):
        return Indigestible(reason=said or "too large", is_too_large=True)
    return _failure(answer, said=said, url=url)


def _failure(answer: Answer, *, said: str | None, url: str) -> Failure:
    asked, quoted = _asked_seconds(answer), f": {said}" if said else ""
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            sentence = f"{url} answers {answer.status}{quoted}; give the agent a token that may send vectors"
            return Failure(trouble="ingest-denied", sentence=sentence, asked_seconds=asked)
        case HTTPStatus.CONFLICT:
            sentence = f"{url} is at odds with another writer{quoted}; it is tried again soon"
            return Failure(trouble="ingest-busy", sentence=sentence, pace=Pace.SOON, asked_seconds=asked)
        case HTTPStatus.GONE:
            sentence = (
                f"{url} takes no vectors of this release any more{quoted}; upgrade the agent or name another ingest"
            )
            return Failure(trouble="ingest-gone", sentence=sentence, pace=Pace.LATE, asked_seconds=asked)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            sentence = f"{url} is busy{quoted}; vectors wait in the spool"
            return Failure(trouble="ingest-busy", sentence=sentence, asked_seconds=asked)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        sentence = f"{url} answers {answer.status}{quoted}; see its log, vectors wait in the spool"
        return Failure(trouble="ingest-fails", sentence=sentence, asked_seconds=asked)
    return _strange(url, f"answers {answer.status}{quoted}")


def _strange(url: str, what: str) -> Failure:
    return Failure(trouble="ingest-strange", sentence=f"{url} {what}: is this the address of Leeward's ingest?")


def _report(body: bytes) -> Report | None:
    try:
        return Report.model_validate_json(body)
    except ValidationError:
        return None


def _said(answer: Answer) -> str | None:
    """The sentence of ingest's own refusals: a JSON object with ``error``."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    said = document.get("error") if isinstance(document, dict) else None
    return "".join(filter(str.isprintable, said))[:_LONGEST_QUOTE] if isinstance(said, str) else None


def _asked_seconds(answer: Answer) -> float | None:
    """``Retry-After`` by the server's own clock, as far as it tells it: this node's may be an hour off."""
    return answer.retry_after_seconds(now=answer.date)
