"""What serving refuses, it refuses with one sentence."""


class BundleError(RuntimeError):
    """A model bundle can't be used; the message says which, what is wrong with it, and what to do."""


class TornBundleError(BundleError):
    """Its bytes are not those that its ``SHA256SUMS``, or the digest that it was asked for by, stand for."""


class ModelServerError(RuntimeError):
    """The model server can't run; the message says what is in its way, and what to do."""
