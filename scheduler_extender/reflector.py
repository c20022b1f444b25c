"""One resource of the API server, followed: listed in pages, then watched from that version on.

As ``k8s.io/client-go/tools/cache`` does it: bookmarks move the version on while nothing happens, a watch that ends is
taken up where it ended, and a version that the server has forgotten (410) leads to another list. What was known stays
known meanwhile; what a new list lacks is gone.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import urllib3

from contracts.errors import ContractError
from scheduler_extender.api_server import ApiReader, ApiServer
from scheduler_extender.errors import ApiError, ExtenderError
from scheduler_extender.sources import Change, Changes

T = TypeVar("T")

PAGE = 500
"""Objects a page of a list: some megabytes."""

_GONE = 410
_LIST_SILENCE_SECONDS = 30.0
_WATCH_SILENCE_SECONDS = 90.0
"""The server sends a bookmark a minute (``bookmarkFrequency`` in apiserver's ``pkg/storage/cacher``)."""
_WATCH_SECONDS = (300, 600)
"""How long a watch is asked for, at random between these, so that replicas do not come back together."""
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0
_WORTH_A_WORD = 2
"""Failures in a row that are complained of: one alone is a connection that was cut off."""
_LAST_WORDS_SECONDS = 5.0
_READ_BYTES = 1 << 16


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    uid: str = ""
    resource_version: str = ""


class _Object(msgspec.Struct):
    metadata: _Meta


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


class _BookmarkMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMeta


_OBJECT = msgspec.json.Decoder(_Object)
_LIST = msgspec.json.Decoder(_List)
_EVENT = msgspec.json.Decoder(_Event)
_STATUS = msgspec.json.Decoder(_Status)
_BOOKMARK = msgspec.json.Decoder(_Bookmark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[T]):
    """What is followed, and how an object of it is read.

    Attributes:
        path: as in ``/api/v1/pods``.
        read: an object's JSON to what is kept of it; raises ContractError or ExtenderError where it can't be believed.
        by_uid: objects are told apart by UID, else by name.
        accept, accept_list: the media types that a watch and a list are asked for in.
    """

    path: str
    read: Callable[[bytes], T]
    by_uid: bool = False
    accept: str = "application/json"
    accept_list: str = "application/json"

    @property
    def plural(self) -> str:
        """As in ``pods``."""
        return self.path.rsplit("/", 1)[-1]

    def identity(self, meta: _Meta) -> str:
        """What stays the same over an object's life."""
        return meta.uid if self.by_uid else meta.name


class Reflector(Generic[T]):
    """Follows one resource in a thread; ``changes`` yields what happened since it was last asked.

    Args:
        server: the API server.
        resource: what to follow.
    """

    def __init__(self, server: ApiServer, resource: Resource[T]) -> None:
        self._api = ApiReader(server)
        self._resource = resource
        self._heard: Callable[[], None] = _nobody_listens
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow {resource.plural}", daemon=True)
        self._response: urllib3.BaseHTTPResponse | None = None
        self._versions: dict[str, str] = {}
        self._from = ""
        self._lock = threading.Lock()
        self._pending: dict[str, T | None] = {}
        self._refused: dict[str, str] = {}
        self._complaint = ""
        self._failures = 0
        self._synced = False

    def start(self, heard: Callable[[], None]) -> None:
        """Begin to follow.

        Args:
            heard: called in the thread whenever there is something to take over.
        """
        self._heard = heard
        self._thread.start()

    def close(self) -> None:
        """Stop following; what is not taken over yet still is there."""
        self._stop.set()
        response = self._response
        if response is not None:
            with suppress(OSError, RuntimeError, ValueError):  # it has ended by itself meanwhile
                response.shutdown()
        if self._thread.is_alive():
            self._thread.join(_LAST_WORDS_SECONDS)
        self._api.close()

    @property
    def synced(self) -> bool:
        """Whether a whole list was taken in at least once."""
        return self._synced

    @property
    def complaint(self) -> str:
        """Why it can't be followed at present; empty where it can."""
        return self._complaint

    def changes(self) -> Changes[T]:
        """What happened since the last call, of each object the last thing only."""
        with self._lock:
            pending, self._pending = self._pending, {}
            refused, self._refused = self._refused, {}
        return Changes(
            changed=[Change(name=name, value=value) for name, value in pending.items()], refused=list(refused.values())
        )

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._from:
                    self._list()
                self._watch()
                self._stop.wait(_FIRST_PAUSE_SECONDS)
            except ApiError as error:
                if self._stop.is_set():
                    return
                if error.status == _GONE:
                    self._from = ""
                self._failures += 1
                if self._failures >= _WORTH_A_WORD:
                    self._complain(str(error))
                self._stop.wait(max(_pause_seconds(self._failures), error.asked_seconds))

    def _complain(self, sentence: str) -> None:
        if sentence != self._complaint:
            self._complaint = sentence
            self._heard()

    def _list(self) -> None:
        """Take in all there is; what is not there any more goes once the whole list was read."""
        found: set[str] = set()
        query, version = {"limit": str(PAGE)}, ""
        while True:
            page = self._page(query)
            found.update(self._take_in(page.items or ()))
            version = page.metadata.resource_version
            if not page.metadata.continue_ or self._stop.is_set():
                break
            query["continue"] = page.metadata.continue_
        for name in self._versions.keys() - found:
            self._forget(name)
        self._from = version
        self._synced = True
        self._heard()

    def _page(self, query: dict[str, str]) -> _List:
        accept = self._resource.accept_list
        with self._answering(query, accept=accept, silent_seconds=_LIST_SILENCE_SECONDS) as response:
            body = response.read()
        try:
            return _LIST.decode(body)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ApiError(f"API server answers {self._resource.path} with no list: {error}") from error

    def _take_in(self, items: Sequence[msgspec.Raw]) -> Iterator[str]:
        for item in items:
            try:
                meta = _OBJECT.decode(item).metadata
            except (msgspec.DecodeError, UnicodeError) as error:
                raise ApiError(f"API server lists something else at {self._resource.path}: {error}") from error
            self._set(meta, item)
            yield self._resource.identity(meta)

    def _watch(self) -> None:
        """Take events in until the server ends the watch.

        Raises:
            ApiError: it ended otherwise; with the status 410 where the version is too old.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._from,
            "timeoutSeconds": str(random.randint(*_WATCH_SECONDS)),  # noqa: S311 - nothing is secret here
        }
        accept = self._resource.accept
        with self._answering(query, accept=accept, silent_seconds=_WATCH_SILENCE_SECONDS) as response:
            self._failures = 0
            self._complain("")
            for line in _lines(response):
                self._happened(line)

    def _happened(self, line: bytes) -> None:
        try:
            event = _EVENT.decode(line)
            if event.type == "BOOKMARK":
                self._from = _BOOKMARK.decode(event.object).metadata.resource_version
                return
            if event.type == "ERROR":
                status = _STATUS.decode(event.object)
                raise ApiError(f"watch of {self._resource.path} ended: {status.message}", status=status.code)
            meta = _OBJECT.decode(event.object).metadata
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ApiError(f"API server sends no watch event for {self._resource.path}: {error}") from error
        if event.type == "DELETED":
            self._forget(self._resource.identity(meta))
        else:
            self._set(meta, event.object)
        self._from = meta.resource_version
        self._heard()

    def _set(self, meta: _Meta, item: msgspec.Raw) -> None:
        name = self._resource.identity(meta)
        if self._versions.get(name) == meta.resource_version:
            return
        self._versions[name] = meta.resource_version
        try:
            value = self._resource.read(bytes(item))
        except (ContractError, ExtenderError) as error:
            with self._lock:
                self._refused[name] = f"{self._resource.plural} {meta.name} is refused: {error}"
            return
        with self._lock:
            self._pending[name] = value

    def _forget(self, name: str) -> None:
        self._versions.pop(name, None)
        with self._lock:
            self._pending[name] = None

    @contextmanager
    def _answering(
        self, query: Mapping[str, str], *, accept: str, silent_seconds: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer that ``close`` cuts off."""
        resource = self._resource
        with self._api.answering(resource.path, query, silent_seconds=silent_seconds, accept=accept) as response:
            self._response = response
            try:
                if self._stop.is_set():
                    raise ApiError(f"{resource.plural} are not followed any more")
                yield response
            finally:
                self._response = None


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines as they come; a torn one at the end is dropped, since its event comes again."""
    rest = b""
    for piece in response.stream(_READ_BYTES, decode_content=False):
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, whole)


def _nobody_listens() -> None:
    """Before it is started."""


def _pause_seconds(failures: int) -> float:
    """Longer with every failure, and never the same for two replicas."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nothing is secret here
