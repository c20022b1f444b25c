"""Where a state directory keeps workload profiles newer than the champion's snapshot, and how their files are called.

<state>/profiles/<name>.json     laid there by whoever measured it
<state>/profiles/@<name>.json    followed: as the feature store has it

The name is the key where a file may be called so, else a digest of it. Of two files of one workload the profile that
was seen last counts.
"""

import hashlib
import re
from pathlib import Path

from contracts.profile import WorkloadProfile
from serving.replacement import replace_file

PROFILES = "profiles"
SUFFIX = ".json"
FOLLOWED = "@"
"""How the names of followed files begin."""

_DIGEST = "+"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
"""Neither of the marks above begins such a name. A label's value is one, and so is a digest."""


def profile_name(key: str) -> str:
    """What a workload's file is called, without its suffix: no two keys are called alike.

    >>> profile_name("upf-large"), profile_name("core/upf")[:9]
    ('upf-large', '+633422c3')
    """
    return key if _PLAIN.fullmatch(key) else f"{_DIGEST}{hashlib.sha256(key.encode()).hexdigest()}"


def profiles_directory(state: Path) -> Path:
    """Where they lie."""
    return state / PROFILES


def publish_profile(state: Path, profile: WorkloadProfile) -> Path:
    """Lay a profile where the extender of a state directory finds it; one of the same workload is replaced.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    directory = profiles_directory(state)
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{profile_name(profile.key)}{SUFFIX}"
    replace_file(file, profile.to_json())
    return file


def is_published(state: Path, key: str) -> bool:
    """Whether a workload's profile lies there, whoever laid it."""
    names = (f"{mark}{profile_name(key)}{SUFFIX}" for mark in ("", FOLLOWED))
    return any((profiles_directory(state) / name).exists() for name in names)
