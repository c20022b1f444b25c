"""What can't be imported or validated at all; single bad rows are no errors but refusals, see ``refusal``."""


class TracesError(RuntimeError):
    """The base: each message says what was wrong, where, and what to do."""


class MappingError(TracesError):
    """A mapping file says something that can't be, or must not be."""


class TableError(TracesError):
    """A table can't be read, or is not the one that the mapping describes."""


class DatasetError(TracesError):
    """A directory holds no labelled traces that could be checked row by row."""
