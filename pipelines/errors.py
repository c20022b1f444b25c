"""What the training pipeline refuses, it refuses with one sentence."""


class PipelineError(RuntimeError):
    """A training can't go on; the message says at which step, what is wrong, and what to do."""


class DataError(PipelineError):
    """Labelled traces can't be trained on; the message names the expectation or the rows."""


class ExportError(PipelineError):
    """An exported graph does not say what the trained model says."""


class EngineError(PipelineError):
    """The engine that was to do the work can't; the message says what it lacks or lost, and what to do."""
