"""What a contract refuses, it refuses with one sentence."""


class ContractError(ValueError):
    """A value breaks a frozen contract; the message says what, where and what to do."""


class FrequencyLeakError(ContractError):
    """A formula would carry the core clock, or anything that encodes it, into the feature vector."""
