"""What can go wrong with the pictures."""


class PictureError(RuntimeError):
    """A picture can't be written."""
