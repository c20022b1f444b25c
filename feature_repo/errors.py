"""The feature repository's errors: each message says what was wrong, where, and what to do."""


class FeatureRepositoryError(RuntimeError):
    """The feature repository cannot do what was asked of it."""


class StoreError(FeatureRepositoryError):
    """A state directory's feature store cannot be opened."""


class StoreUnreachableError(FeatureRepositoryError, ConnectionError):
    """A server that a feature store lies on can't be reached, or takes nothing now: as with a full disk, come again."""
