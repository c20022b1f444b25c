"""What serving refuses, it refuses with one sentence."""


class BundleError(RuntimeError):
    """A model bundle can't be used; the message says which, what is wrong with it, and what to do."""
