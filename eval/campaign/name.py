"""A campaign's name: it stands in every row, and names a directory."""

import re

from eval.campaign.errors import CampaignError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def refuse_bad_name(name: str) -> None:
    """Do nothing where a campaign may be called so.

    Raises:
        CampaignError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise CampaignError(
            f"a campaign can't be called {name!r}: 1 to 63 letters, digits, dots, hyphens and underscores are meant, "
            "the first a letter or a digit"
        )
