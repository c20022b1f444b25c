"""``kfp.local`` in a process of its own, since it takes over standard output, the root logger and ``print``.

python -m pipelines.kfp_local request.json
"""

import sys
from pathlib import Path

from contracts.model import Document


class Request(Document):
    """What to run.

    Attributes:
        pipeline: the compiled pipeline.
        root: where components hand on what they made.
        arguments: of the pipeline.
        answer: where the pipeline's output goes, if it gets that far.
    """

    pipeline: str
    root: str
    arguments: dict[str, str]
    answer: str


def run(request: Request) -> bool:
    """Run a compiled pipeline; whether it came to its end."""
    from kfp import components, local  # noqa: PLC0415

    runner = local.SubprocessRunner(use_venv=False)
    local.init(runner=runner, pipeline_root=request.root, raise_on_error=False)
    task = components.load_component_from_file(request.pipeline)(**request.arguments)
    answer = task.outputs.get("Output")
    if answer is not None:
        Path(request.answer).write_text(str(answer))
    return answer is not None


if __name__ == "__main__":
    sys.exit(0 if run(Request.from_json(Path(sys.argv[1]).read_bytes())) else 1)
