"""The pipelines as Kubeflow reads them, committed, so that a cluster needs no Python to take them.

``python -m pipelines.compiled --write`` after a change of a component or a pipeline, ``--check`` to see whether one is
due, ``--to DIRECTORY --image IMAGE`` for a cluster whose registry has the image under another name.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from kfp import compiler, dsl

from pipelines.campaign_ingest_pipeline import campaign_ingest_pipeline
from pipelines.component_image import DEFAULT_IMAGE
from pipelines.heldout_report_pipeline import heldout_report_pipeline
from pipelines.promote_pipeline import promote_pipeline
from pipelines.training_pipeline import training_pipeline

COMPILED = Path(__file__).parent.parent / "infra" / "pipelines"


class MadePipeline(Protocol):
    """A function of a ``*_pipeline.py``."""

    def __call__(self, image: str = ..., *, retried: bool = ...) -> dsl.base_component.BaseComponent:
        """The pipeline with its components in an image; failed tasks are tried again or not."""


PIPELINES: Mapping[str, MadePipeline] = {
    "train": training_pipeline,
    "campaign-ingest": campaign_ingest_pipeline,
    "heldout-report": heldout_report_pipeline,
    "promote": promote_pipeline,
}
"""By the name of the file."""


def compile_to(pipeline: dsl.base_component.BaseComponent, path: Path) -> Path:
    """Compile a pipeline to its intermediate representation, as YAML; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, package_path=str(path))
    return path


def write(directory: Path = COMPILED, *, image: str = DEFAULT_IMAGE) -> None:
    """Compile all pipelines into a directory."""
    for name, pipeline in PIPELINES.items():
        compile_to(pipeline(image), directory / f"{name}.yaml")


def stale(directory: Path = COMPILED) -> tuple[str, ...]:
    """Names of pipelines whose file is missing, or not, byte for byte, what the code says; and of files of none."""
    with tempfile.TemporaryDirectory() as fresh:
        write(Path(fresh))
        made = {file.name: file.read_bytes() for file in Path(fresh).iterdir()}
    found = {file.name: file.read_bytes() for file in directory.glob("*.yaml")}
    return tuple(sorted(name for name in {*made, *found} if made.get(name) != found.get(name)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 1 where ``--check`` found a file missing or out of date.
    """
    parser = argparse.ArgumentParser(prog="python -m pipelines.compiled", description="The pipelines as YAML.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the committed files")
    action.add_argument("--check", action="store_true", help="fail where files and code differ")
    action.add_argument("--to", type=Path, metavar="DIRECTORY", help="write them elsewhere")
    parser.add_argument("--image", default=DEFAULT_IMAGE, help="of the components, with --to (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.check:
        names = stale()
        if names:
            sys.stderr.write(f"{', '.join(names)} in {COMPILED}: run `python -m pipelines.compiled --write`\n")
        return 1 if names else 0
    write() if options.write else write(options.to, image=options.image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
