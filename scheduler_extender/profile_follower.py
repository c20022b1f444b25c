"""Follows the feature store: the profiles that ingest hands out are laid into the state directory, and found there.

So there is one way to a profile, and what was known last is known after a restart while nobody answers. All pages are
asked for in turn, each with the tag that it bore last, so that one without news costs an empty answer; of a page with
news only the lines that are new are checked and written. ``docs/ingest-api.md`` has the protocol.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import urllib3

from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from scheduler_extender.errors import ExtenderError, ProfilesError
from serving.published_profile import FOLLOWED, SUFFIX, profile_name, profiles_directory
from serving.replacement import replace_file

PATH = "/v1/profiles"
CONTENT_TYPE = "application/x-ndjson"
LONGEST_PAGE_BYTES = 8 << 20
"""Twice what ingest puts on a page."""
MOST_PAGES = 16
"""Some 50,000 profiles."""

_SILENT_SECONDS = 10.0
_PAGE_SECONDS = 20.0
"""For a page to arrive, so that one that trickles in does not keep the extender from ending."""
_TIMEOUT = urllib3.Timeout(connect=3.0, read=_SILENT_SECONDS)
_LONGEST_PAUSE_SECONDS = 120.0
_MOST_DOUBLINGS = 10
_PIECE_BYTES = 64 << 10
_SHOWN_BODY_BYTES = 4096
_LONGEST_REASON = 300


class _Refusal(msgspec.Struct):
    """What is read of an answer that is none."""

    error: str


_REFUSAL = msgspec.json.Decoder(_Refusal)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What a page held.

    Attributes:
        tag: by which it is known again.
        files: names of the files that its profiles lie in.
        refused: one sentence for each line that is no profile.
        following: what the next page is asked for by; empty behind the last one.
    """

    tag: str
    files: frozenset[str]
    refused: tuple[str, ...]
    following: str


class ProfileFollower:
    """Keeps a state directory's followed profiles equal to the feature store's. One thread at a time uses it.

    Args:
        state: the state directory.
        url: of ingest, ``http://host:port``.

    Raises:
        ExtenderError: the URL is none of HTTP.
    """

    def __init__(self, state: Path, url: str) -> None:
        refuse_foreign_url(url)
        self._directory = profiles_directory(state)
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1)
        self._contents: dict[str, bytes] = {}
        self._pages: dict[str, _Page] = {}

    def pull(self) -> str:
        """Ask for all profiles; lay down those that are new, and remove those that the store has no more.

        Returns:
            What was refused, in one sentence; empty where nothing was. Nothing is removed then, since a line that can't
            be read may be anybody's.

        Raises:
            ProfilesError: the store can't be asked, or answers something else; what is there stays.
            OSError: a file can't be read, written or removed; the rest is tried again the next time.
        """
        self._look()
        names = {content: name for name, content in self._contents.items()}
        pages: dict[str, _Page] = {}
        after = ""
        while True:
            pages[after] = page = self._page(after, names)
            after = page.following
            if not after:
                break
            if after in pages or len(pages) >= MOST_PAGES:
                raise self._failure(f"it has no end after {len(pages)} pages")
        self._pages = pages
        refused = [sentence for page in pages.values() for sentence in page.refused]
        if refused:
            return f"{len(refused)} profiles of the feature store {self._url} are refused, the first: {refused[0]}"
        self._remove_others(frozenset[str]().union(*(page.files for page in pages.values())))
        return ""

    def _look(self) -> None:
        """Know what lies there: after a start, and where somebody removed a file."""
        self._directory.mkdir(parents=True, exist_ok=True)
        there = {file.name: file for file in self._directory.glob(f"{FOLLOWED}*{SUFFIX}")}
        for name in self._contents.keys() - there.keys():
            del self._contents[name]
            self._pages.clear()
        for name in there.keys() - self._contents.keys():
            self._contents[name] = _digest(there[name].read_bytes())

    def _page(self, after: str, names: dict[bytes, str]) -> _Page:
        known = self._pages.get(after)
        query = f"?{urlencode({'after': after})}" if after else ""
        headers = {"User-Agent": "leeward-extender", "Accept": CONTENT_TYPE}
        if known is not None and known.tag:
            headers["If-None-Match"] = known.tag
        try:
            response = self._pool.request(
                "GET",
                f"{self._url}{PATH}{query}",
                headers=headers,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
            )
            try:
                body = self._body(response)
            finally:
                response.close()
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise self._failure(str(error) or type(error).__name__) from error
        if response.status == 304 and known is not None:
            return known
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if response.status != 200 or kind != CONTENT_TYPE:
            raise self._failure(f"it answers {response.status} with {kind or 'nothing'}: {_said(body)}")
        return self._laid_down(body, tag=response.headers.get("ETag", ""), following=_following(response), names=names)

    def _body(self, response: urllib3.BaseHTTPResponse) -> bytes:
        limit = LONGEST_PAGE_BYTES if response.status == 200 else _SHOWN_BODY_BYTES
        until, body = time.monotonic() + _PAGE_SECONDS, bytearray()
        while piece := response.read1(_PIECE_BYTES, decode_content=False):
            body += piece
            if len(body) > limit and response.status != 200:
                break
            if len(body) > limit:
                raise self._failure(f"a page is longer than {limit} bytes")
            if time.monotonic() > until:
                raise self._failure(f"a page takes longer than {_PAGE_SECONDS:g} s")
        return bytes(body)

    def _laid_down(self, body: bytes, *, tag: str, following: str, names: dict[bytes, str]) -> _Page:
        *lines, rest = body.split(b"\n")
        if rest:
            raise self._failure("a page is torn: it does not end with a line's end")
        files, refused = set[str](), list[str]()
        for line in lines:
            content = _digest(line)
            try:
                name = names.get(content) or f"{FOLLOWED}{profile_name(WorkloadProfile.from_json(line).key)}{SUFFIX}"
            except ContractError as error:
                refused.append(str(error))
                continue
            if self._contents.get(name) != content:
                replace_file(self._directory / name, line)
                self._contents[name] = content
            files.add(name)
        return _Page(tag=tag, files=frozenset(files), refused=tuple(refused), following=following)

    def _remove_others(self, files: frozenset[str]) -> None:
        for name in self._contents.keys() - files:
            (self._directory / name).unlink(missing_ok=True)
            del self._contents[name]

    def _failure(self, reason: str) -> ProfilesError:
        return ProfilesError(
            f"the feature store {self._url} can't be followed: {' '.join(reason.split())[:_LONGEST_REASON]}; the "
            "profiles at hand serve on. See that ingest runs, and the network policies"
        )


async def follow_profiles(
    state: Path, stop: asyncio.Event, *, url: str, period_seconds: float, heard: Callable[[str | None], None]
) -> None:
    """Ask the feature store now and then until ``stop`` is set; while it does not answer, what is there serves on.

    The pause differs a little each time, so that replicas do not ask together, and doubles with each failure, up to two
    minutes.

    Args:
        state: where profiles are laid.
        stop: ends it.
        url: of ingest, ``http://host:port``.
        period_seconds: between two questions, above zero.
        heard: is told what went wrong, or ``None`` where nothing did.

    Raises:
        ExtenderError: the URL is none of HTTP.
    """
    follower, failures = ProfileFollower(state, url), 0
    while not stop.is_set():
        try:
            heard(await asyncio.to_thread(follower.pull) or None)
            failures = 0
        except ProfilesError as error:
            failures += 1
            heard(str(error))
        except OSError as error:
            failures += 1
            heard(f"profiles can't be kept in {profiles_directory(state)}: {error.strerror}; make room, or it writable")
        try:
            await asyncio.wait_for(stop.wait(), timeout=pause_seconds(period_seconds, failures=failures))
        except TimeoutError:
            continue


def pause_seconds(period_seconds: float, *, failures: int) -> float:
    """How long to wait before the store is asked again.

    Args:
        period_seconds: that is wanted where all is well.
        failures: since it answered last.
    """
    backed_off = min(period_seconds * 2.0 ** min(failures, _MOST_DOUBLINGS), _LONGEST_PAUSE_SECONDS)
    return max(period_seconds, backed_off) * random.uniform(0.8, 1.0)  # noqa: S311 - nothing is secret here


def refuse_foreign_url(url: str) -> None:
    """Refuse what is no address of ingest.

    Raises:
        ExtenderError: it is none of HTTP.
    """
    try:
        parts = urlsplit(url)
        is_lawful = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_lawful = False
    if not is_lawful:
        raise ExtenderError(f"profiles are wanted from {url!r}, which is no HTTP address: write http://host:port")


def _following(response: urllib3.BaseHTTPResponse) -> str:
    """What the next page is asked for by, out of ``Link: </v1/profiles?after=KEY>; rel="next"`` (RFC 8288)."""
    target, found, _ = response.headers.get("Link", "").removeprefix("<").partition('>; rel="next"')
    return parse_qs(urlsplit(target).query).get("after", [""])[0] if found else ""


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()


def _said(body: bytes) -> str:
    try:
        return _REFUSAL.decode(body).error
    except (msgspec.DecodeError, UnicodeError):
        return body[:_SHOWN_BODY_BYTES].decode("utf-8", errors="replace")
