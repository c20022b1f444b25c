"""One resource of the API server, followed: listed in pages, then watched from that version on.

As ``k8s.io/client-go/tools/cache`` does it: bookmarks move the version on while nothing happens, a watch that ends is
taken up where it ended, and a version that the server has forgotten (410) leads to another list. What was known stays
known meanwhile; what a new list lacks is gone.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import urllib3

from contracts.errors import ContractError
from scheduler_extender.api_server import ApiReader, ApiServer
from scheduler_extender.errors import ApiError, ExtenderError, OtherContractError
from scheduler_extender.sources import Change, Changes, Refusal

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
_MOST_PENDING_BYTES = 4 * 2**20
"""Of objects that wait to be taken over; a cluster's pods, all at once, would be hundreds of megabytes."""


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
        self._pending: dict[str, bytes | None] = {}
        self._pending_bytes = 0
        self._room = threading.Condition()
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
        with self._room:
            self._room.notify()
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

    @property
    def waiting(self) -> bool:
        """Whether there is something to take over."""
        return bool(self._pending)

    def changes(self, *, seconds: float = math.inf) -> Changes[T]:
        """What happened since the last call, of each object the last thing only.

        Objects are read here and not in the thread, which would hold up whoever answers at moments of its own choice.

        Args:
            seconds: what takes longer than this is left for the next call; one object at the least is read.
        """
        until = time.perf_counter() + seconds
        changed: list[Change[T]] = []
        refused: dict[str, Refusal] = {}
        while self._pending:
            with self._room:
                name = next(iter(self._pending))
                item = self._pending.pop(name)
                self._pending_bytes -= len(item or b"")
                self._room.notify()
            try:
                changed.append(Change(name=name, value=None if item is None else self._resource.read(item)))
                refused.pop(name, None)
            except (ContractError, ExtenderError) as error:
                refused[name] = self._refusal(name, item or b"", error)
            if time.perf_counter() >= until:
                break
        return Changes(changed=changed, refused=list(refused.values()))

    def _refusal(self, name: str, item: bytes, error: ContractError | ExtenderError) -> Refusal:
        shown = _OBJECT.decode(item).metadata.name
        return Refusal(
            name=name,
            sentence=f"{self._resource.plural} {shown} is refused: {error}",
            other_contract=isinstance(error, OtherContractError),
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
        self._keep_for_later(name, bytes(item))

    def _forget(self, name: str) -> None:
        self._versions.pop(name, None)
        self._keep_for_later(name, None)

    def _keep_for_later(self, name: str, item: bytes | None) -> None:
        if not self._has_room():
            self._heard()
        with self._room:
            self._room.wait_for(self._has_room)
            self._pending_bytes += len(item or b"") - len(self._pending.get(name) or b"")
            self._pending[name] = item

    def _has_room(self) -> bool:
        return self._pending_bytes <= _MOST_PENDING_BYTES or self._stop.is_set()

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
