import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.profile import WorkloadProfile
from serving.published_profile import FOLLOWED, is_published, profile_name, profiles_directory, publish_profile
from tests.unit.serving.small_bundle import profile

KEYS = st.text(min_size=1, max_size=128)


@given(key=KEYS)
def test_any_key_has_a_name_that_a_file_may_bear(key: str) -> None:
    name = profile_name(key)
    assert re.fullmatch(r"[A-Za-z0-9+][A-Za-z0-9._:-]*", name)
    assert len(name) <= 128
    assert not name.startswith(FOLLOWED)


@given(keys=st.lists(KEYS, unique=True, max_size=5))
def test_no_two_keys_are_called_alike(keys: list[str]) -> None:
    names = {profile_name(key) for key in (*keys, *(profile_name(key) for key in keys))}
    assert len(names) == len({*keys, *(profile_name(key) for key in keys)})


@pytest.mark.parametrize("key", ["upf-large", "sha256:" + "0" * 64, "smf_1.2"])
def test_a_label_and_a_digest_are_called_as_they_are(key: str) -> None:
    assert profile_name(key) == key


@pytest.mark.parametrize("key", ["core/upf", "..", ".hidden", "@upf", "+upf", "k" * 128, "ü" * 128])
def test_a_profile_of_any_key_is_published_within_its_directory(key: str, tmp_path: Path) -> None:
    one = profile(key)
    assert not is_published(tmp_path, key)
    file = publish_profile(tmp_path, one)
    assert publish_profile(tmp_path, one) == file
    assert list(profiles_directory(tmp_path).iterdir()) == [file]
    assert WorkloadProfile.from_json(file.read_bytes()) == one
    assert is_published(tmp_path, key)
    assert not is_published(tmp_path, "another")


def test_a_followed_profile_is_a_published_one(tmp_path: Path) -> None:
    profiles_directory(tmp_path).mkdir()
    (profiles_directory(tmp_path) / f"{FOLLOWED}upf.json").write_bytes(profile("upf").to_json())
    assert is_published(tmp_path, "upf")
