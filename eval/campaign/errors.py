"""The campaign's errors: each message says what was wrong, where, and what to do."""


class CampaignError(RuntimeError):
    """A campaign can't be run, written or read."""
