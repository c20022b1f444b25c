"""Which window of each domain is the latest online: what ingest has to know of every vector before it takes it.

To read that of a domain takes longer than to take a vector. So what was read or pushed is kept, for as long as nobody
else changes the store: whoever does leaves its mark on the store's lock, and finds another's there. On the cluster
profile replicas hold no lock together, and nothing is kept.
"""

from collections.abc import Iterable, Mapping
from uuid import uuid4

from feature_repo.lock import Held
from feature_repo.online import ages_online
from feature_repo.store import Store
from feature_repo.vector_columns import Age, Domain

MOST_DOMAINS = 1 << 17
"""Kept in memory, some 40 MiB. With more, all are read anew."""


class Latest:
    """The latest windows online, as one ingest knows them. Used under the store's lock alone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mark = uuid4().hex
        self._ages: dict[Domain, Age | None] = {}

    def of(self, domains: Iterable[Domain], *, held: Held) -> dict[Domain, Age]:
        """The latest window of each domain that has one.

        Raises:
            OSError, sqlite3.Error: the online store can't be read.
        """
        if self._store.database is not None or held.mark != self._mark or len(self._ages) > MOST_DOMAINS:
            self._ages.clear()
        wanted = set(domains)
        unknown = sorted(wanted.difference(self._ages))
        self._ages.update(zip(unknown, ages_online(self._store, unknown), strict=True))
        return {domain: age for domain in wanted if (age := self._ages[domain]) is not None}

    def changes(self, held: Held) -> None:
        """This ingest is about to change the store: others shall read anew."""
        if held.mark != self._mark:
            held.leave(self._mark)

    def advance(self, ages: Mapping[Domain, Age]) -> None:
        """These are online now."""
        self._ages.update(ages)

    def forget(self, domains: Iterable[Domain]) -> None:
        """What is online of these is not sure."""
        for domain in domains:
            self._ages.pop(domain, None)
