"""The latest profiles in pages, out of a store of each profile and over HTTP."""

import http.client
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.profile import WorkloadProfile
from feature_repo.document_history import append_documents
from feature_repo.documents import PROFILES
from feature_repo.endpoint import CONTENT_TYPE, PROFILES_PATH, RETRY_AFTER_SECONDS, create_app, server_of
from feature_repo.errors import StoreError
from feature_repo.ingest import Ingest
from feature_repo.names import PROFILE_PUSH_SOURCE_NAME
from feature_repo.one_row import OneRowOnlineStore
from feature_repo.profile_pages import ProfilePage, ProfilePages, profile_index
from feature_repo.profiles import write_profiles
from feature_repo.settings import Profile
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.documents import profile
from tests.unit.live_server import running

BEHIND = "\U0010ffff"


def always_looking(store: Store, **changes: int) -> ProfilePages:
    return ProfilePages(store, fresh_seconds=0.0, **changes)


def profiles_of(page: ProfilePage) -> list[WorkloadProfile]:
    assert page.body == b"" or page.body.endswith(b"\n")
    return [WorkloadProfile.from_json(line) for line in page.body.splitlines()]


def all_of(pages: ProfilePages, after: str = "") -> list[WorkloadProfile]:
    page = pages.page(after)
    return profiles_of(page) + (all_of(pages, page.following) if page.following else [])


def online_rows(store: Store) -> sqlite3.Connection:
    online = store.feast.provider.online_store
    assert isinstance(online, OneRowOnlineStore)
    return online._connected(store.feast.config)


def test_the_latest_profile_of_each_workload_is_handed_out(either_store: Store) -> None:
    pages = always_looking(either_store)
    write_profiles(either_store, [profile("one/a", 0), profile("one/b", 0)])
    assert [each for each in all_of(pages) if each.key.startswith("one/")] == [profile("one/a"), profile("one/b")]
    write_profiles(either_store, [profile("one/a", 60, seed=2), profile("one/b", -60), profile("one/c")])
    later = [profile("one/a", 60, seed=2), profile("one/b"), profile("one/c")]
    assert [each for each in all_of(pages) if each.key.startswith("one/")] == later
    assert all_of(always_looking(either_store)) == all_of(pages)


def test_an_unchanged_page_has_the_same_digest_and_a_changed_one_another(either_store: Store, tmp_path: Path) -> None:
    write_profiles(either_store, [profile("two/a")])
    pages = always_looking(either_store)
    before = pages.page()
    assert pages.page() == before == always_looking(either_store).page()
    write_profiles(either_store, [profile("two/a", 60, seed=2)])
    assert pages.page().digest != before.digest


def test_pages_hold_each_profile_once_in_the_order_of_keys(either_store: Store) -> None:
    written = [profile(f"three/{number:02}", seed=number) for number in range(20)]
    write_profiles(either_store, written)
    length = len(written[0].to_json())
    for page_bytes in (1, 3 * length, 1 << 20):
        found = all_of(always_looking(either_store, page_bytes=page_bytes), after="three/")
        assert [each for each in found if each.key.startswith("three/")] == written
        assert [each.key for each in found] == sorted(each.key for each in found)
    assert len(profiles_of(always_looking(either_store, page_bytes=1).page("three/04"))) == 1
    assert always_looking(either_store).page(BEHIND).body == b""


def test_the_index_is_read_no_more_often_than_asked_for(either_store: Store) -> None:
    pages = ProfilePages(either_store, fresh_seconds=3600.0)
    before = pages.page()
    write_profiles(either_store, [profile("four/a")])
    assert pages.page() == before
    assert always_looking(either_store).page() != before


def test_an_empty_store_has_an_empty_page(store: Store) -> None:
    pages = always_looking(store)
    page = pages.page()
    assert (page.body, page.following, len(pages)) == (b"", "", 0)


def test_a_profile_that_went_offline_is_handed_out_no_more(store: Store) -> None:
    write_profiles(store, [profile("gone"), profile("here")])
    pages = always_looking(store)
    assert [each.key for each in all_of(pages)] == ["gone", "here"]
    with online_rows(store) as connection:
        connection.execute("DELETE FROM online WHERE instr(entity, ?) > 0", (b"gone",))
    assert [each.key for each in all_of(pages)] == ["here"]


def test_what_redis_has_lost_is_read_from_history(servers: object, tmp_path: Path) -> None:
    store = open_store(tmp_path, profile=Profile.CLUSTER)
    older, lost = profile("lost", 0), profile("lost", 60, seed=2)
    write_profiles(store, [older])
    pages = always_looking(store)
    append_documents(store, PROFILES, PROFILES.rows([lost, profile("never online")]))
    found = {each.key: each for each in all_of(pages)}
    assert (found["lost"], found["never online"]) == (lost, profile("never online"))


def test_one_look_at_history_finds_the_latest_of_many(servers: object, tmp_path: Path) -> None:
    store = open_store(tmp_path, profile=Profile.CLUSTER)
    history = [profile("long", day * 86_400.0, seed=day + 1) for day in range(50)]
    write_profiles(store, [*history, profile("long/short")])
    index = profile_index(store)
    assert index["long"] == PROFILES.known_at_microseconds(history[-1])
    assert index["long/short"] == PROFILES.known_at_microseconds(profile("long/short"))


def test_a_profile_that_breaks_the_contract_holds_up_no_other(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    write_profiles(store, [profile(key) for key in ("a", "b", "c")])
    rows = PROFILES.rows([profile("bad", 60)])
    names = rows.schema.names
    torn = rows.set_column(names.index("profile_tier"), "profile_tier", [["none"]])
    with store.online:
        store.feast.push(PROFILE_PUSH_SOURCE_NAME, torn.to_pandas())
    append_documents(store, PROFILES, torn)
    pages = always_looking(store)
    with caplog.at_level(logging.WARNING, logger="leeward.ingest"):
        assert [each.key for each in all_of(pages)] == ["a", "b", "c"]
        assert all_of(pages)
    (told,) = {
        vars(record)["fields"]["reason"] for record in caplog.records if record.getMessage() == "profile-refused"
    }
    assert told.startswith("bad: ")
    with store.online:
        store.feast.push(PROFILE_PUSH_SOURCE_NAME, PROFILES.rows([profile("bad", 120)]).to_pandas())
    assert [each.key for each in all_of(pages)] == ["a", "b", "bad", "c"]


def test_an_online_store_that_can_not_be_listed_is_named(tmp_path: Path) -> None:
    settings = open_store(tmp_path).directory / "feature_store.yaml"
    settings.write_text(settings.read_text().replace("feature_repo.one_row.OneRowOnlineStore", "sqlite"))
    with pytest.raises(StoreError, match=r"online store of type sqlite, .*OneRowOnlineStore in feature_store.yaml"):
        ProfilePages(open_store(tmp_path)).page()


@dataclass(frozen=True, kw_only=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


def asked(port: int, path: str = PROFILES_PATH, **headers: str) -> Answered:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answered(status=response.status, headers=headers, body=body)


def test_over_http_a_page_has_a_tag_and_leads_to_the_next(store: Store) -> None:
    keys = ["a/b", 'c>; rel="next"', "d&after=x", "ü"]
    write_profiles(store, [profile(key) for key in keys])
    with running(server_of(create_app(Ingest(store), profiles=always_looking(store, page_bytes=1)))) as port:
        found, path, tags = list[str](), PROFILES_PATH, list[str]()
        while path:
            answer = asked(port, path)
            assert (answer.status, answer.headers["content-type"]) == (200, CONTENT_TYPE)
            found += [WorkloadProfile.from_json(line).key for line in answer.body.splitlines()]
            tags.append(answer.headers["etag"])
            known = asked(port, path, If_None_Match=f'"other", {tags[-1]}')
            assert (known.status, known.body) == (304, b"")
            assert known.headers.get("link") == answer.headers.get("link")
            path = answer.headers.get("link", "").removeprefix("<").rpartition('>; rel="next"')[0]
        assert found == keys
        assert len(set(tags)) == len(keys)
        assert asked(port, If_None_Match=tags[1]).status == 200
        metrics = asked(port, "/metrics").body.decode()
        assert "leeward_ingest_profiles 4.0" in metrics
    with running(server_of(create_app(Ingest(store)))) as port:
        assert asked(port).status == 404


def test_over_http_a_store_that_can_not_be_read_is_to_be_asked_again(store: Store) -> None:
    with running(server_of(create_app(Ingest(store), profiles=always_looking(store)))) as port:
        assert asked(port).status == 200
        with online_rows(store) as connection:
            connection.execute("ALTER TABLE online RENAME TO away")
        answer = asked(port)
        assert (answer.status, answer.headers["retry-after"]) == (503, str(RETRY_AFTER_SECONDS))
        assert b"the store can't be read: no such table" in answer.body
        with online_rows(store) as connection:
            connection.execute("ALTER TABLE away RENAME TO online")
        assert asked(port).status == 200
