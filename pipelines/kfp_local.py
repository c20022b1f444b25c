"""``kfp.local`` in a process of its own, since it takes over standard output, the root logger and ``print``.

python -m pipelines.kfp_local request.json
"""

import sys
from pathlib import Path

from contracts.model import Document


class Request(Document):
    """What to run.

    Attributes:
        pipeline: where the compiled pipeline goes, which is what runs.
        root: where components hand on what they made.
        arguments: of the pipeline.
        folds_apart: whether each fold is a task of its own, as on a cluster.
        answer: where the pipeline's outputs go, if it gets that far.
    """

    pipeline: str
    root: str
    arguments: dict[str, str]
    folds_apart: bool
    answer: str


class Answer(Document):
    """The pipeline's outputs, see ``pipelines.training_pipeline.TrainingOutputs``."""

    outcome: str
    report: str


def run(request: Request) -> bool:
    """Compile the pipeline and run it; whether it came to its end."""
    from kfp import components, local  # noqa: PLC0415

    from pipelines.compiled import compile_to  # noqa: PLC0415
    from pipelines.training_pipeline import training_pipeline  # noqa: PLC0415

    pipeline = training_pipeline(folds_apart=request.folds_apart, retried=False)
    compiled = compile_to(pipeline, Path(request.pipeline))
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=request.root, raise_on_error=False)
    outputs = components.load_component_from_file(str(compiled))(**request.arguments).outputs
    if not outputs:
        return False
    answer = Answer(outcome=outputs["outcome"], report=outputs["report"])
    Path(request.answer).write_bytes(answer.to_json())
    return True


if __name__ == "__main__":
    sys.exit(0 if run(Request.from_json(Path(sys.argv[1]).read_bytes())) else 1)
