"""The testbed's errors: each message says what was wrong, where, and what to do."""


class TestbedError(RuntimeError):
    """The simulated node cannot do what was asked of it."""

    __test__ = False


class PlacementError(TestbedError):
    """An occupant cannot be placed, or is not there."""


class EquilibriumError(TestbedError):
    """The joint equilibrium of a socket pair was not found."""
