"""Asks the model server who is champion, and for bundles."""

from dataclasses import dataclass
from http import HTTPStatus

from agent.errors import UnreachableError
from agent.http_client import Answer, HttpClient, Server
from contracts.errors import ContractError
from serving.bundle_archive import LARGEST_ARCHIVE_BYTES
from serving.champion import Champion
from serving.errors import BundleError
from serving.model_wire import CHAMPION_PATH, archive_path, entity_tag


class DeclinedError(UnreachableError):
    """The model server answers, but has not got what it was asked for.

    Attributes:
        asked_seconds: how long it wants to be left alone, if it said so.
    """

    def __init__(self, sentence: str, *, asked_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.asked_seconds = asked_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Whom the server names.

    Attributes:
        champion: ``None`` where nobody was promoted, or where it is still the one that was said to be known.
        is_known: it is still that one.
    """

    champion: Champion | None = None
    is_known: bool = False


class ModelClient:
    """One model server; not for several threads.

    Args:
        server: where it is.
    """

    def __init__(self, server: Server) -> None:
        self._client = HttpClient(server)

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._client.server.url

    def champion(self, *, known_digest: str | None) -> Named:
        """Ask who is champion.

        Args:
            known_digest: of the champion that need not be named again.

        Raises:
            UnreachableError: there is no answer, or none that says.
            BundleError: the answer is no champion.
        """
        headers = {"If-None-Match": entity_tag(known_digest)} if known_digest else {}
        answer = self._client.exchange("GET", CHAMPION_PATH, headers=headers)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return Named(is_known=True)
        if answer.status == HTTPStatus.NOT_FOUND:
            return Named()
        body = self._content(answer, "who is champion")
        try:
            return Named(champion=Champion.from_json(body))
        except ContractError as error:
            raise BundleError(
                f"what {self.url} says of its champion is refused: {error}; see what runs there"
            ) from error

    def archive(self, digest: str) -> bytes:
        """Fetch a bundle's archive; what it holds is for others to verify.

        Raises:
            UnreachableError: there is no answer, it is longer than ``LARGEST_ARCHIVE_BYTES``, or no bundle.
        """
        answer = self._client.exchange("GET", archive_path(digest), longest_answer_bytes=LARGEST_ARCHIVE_BYTES)
        return self._content(answer, f"for bundle {digest}")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _content(self, answer: Answer, question: str) -> bytes:
        if answer.status != HTTPStatus.OK:
            said = answer.body[:200].decode("utf-8", errors="replace")
            raise DeclinedError(
                f"model server {self.url} was asked {question} and answers {answer.status} {said}: see that it is one, "
                "and what it says in its log",
                asked_seconds=answer.retry_after_seconds(),
            )
        return answer.body
