"""``kfp.local`` in a process of its own, since it takes over standard output, the root logger and ``print``.

python -m pipelines.kfp_local request.json
"""

import shutil
import sys
from pathlib import Path

from contracts.model import Document

TRAIN_TOGETHER = "train-together"
"""The pipeline ``train`` with one task for all folds, where a process' start costs more than a fold's fits."""


class Request(Document):
    """What to run.

    Attributes:
        name: of the pipeline, in ``pipelines.compiled.PIPELINES``, or ``TRAIN_TOGETHER``.
        directory: where the compiled pipeline goes, which is what runs, and ``root``, where components hand on what
            they made. What the same pipeline left there before is removed.
        arguments: of the pipeline.
        answer: where an ``Answer`` goes, if the pipeline gets that far.
    """

    name: str
    directory: str
    arguments: dict[str, str]
    answer: str


class Answer(Document):
    """The pipeline's outputs by name, as JSON; none where it has none."""

    outputs: dict[str, str]


def run(request: Request) -> None:
    """Compile the pipeline and run it; whether it came to its end stands in what kfp prints."""
    from kfp import components, local  # noqa: PLC0415

    from pipelines.compiled import PIPELINES, compile_to  # noqa: PLC0415
    from pipelines.training_pipeline import training_pipeline  # noqa: PLC0415

    if request.name == TRAIN_TOGETHER:
        pipeline = training_pipeline(folds_apart=False, retried=False)
    else:
        pipeline = PIPELINES[request.name](retried=False)
    directory = Path(request.directory)
    root = directory / "root"
    for earlier in root.glob(f"{pipeline.name}-*"):
        shutil.rmtree(earlier)
    compiled = compile_to(pipeline, directory / f"{pipeline.name}.yaml")
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(root), raise_on_error=False)
    outputs = components.load_component_from_file(str(compiled))(**request.arguments).outputs
    Path(request.answer).write_bytes(Answer(outputs=outputs).to_json())


if __name__ == "__main__":
    run(Request.from_json(Path(sys.argv[1]).read_bytes()))
