"""What model server and nodes say to one another; see ``docs/model-server-api.md``."""

import re

CHAMPION_PATH = "/v1/champion"
BUNDLES_PATH = "/v1/bundles"
ARCHIVE_TYPE = "application/x-tar"

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def archive_path(digest: str) -> str:
    """Where a bundle's archive is asked for."""
    return f"{BUNDLES_PATH}/{digest}"


def entity_tag(digest: str) -> str:
    """The ``ETag`` of what a digest stands for.

    >>> entity_tag("sha256:ab")
    '"sha256:ab"'
    """
    return f'"{digest}"'


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the asker has it already, by ``If-None-Match`` (RFC 9110, 13.1.2).

    >>> is_known('"b"', 'W/"a", "b"')
    True
    """
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
