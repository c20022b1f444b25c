"""The Kubeflow pipeline: extract, validate, train, register, promote.

Components are lightweight ones with bodies of a line or two: what they do stands in ``pipelines.steps``, which the
image has, so that the same compiled pipeline runs on a cluster and under ``kfp.local``. Labelling, folds, training,
calibration, held-out evaluation and export share a component, since they share models that are never written down. Each
component is a process of its own and pays for its imports; its body sees nothing but what it imports itself.

    python -m pipelines.training_pipeline leeward-training.yaml [image]
"""

# ruff: noqa: PLC0415
import sys
from pathlib import Path

from kfp import compiler, dsl

PIPELINE_NAME = "leeward-training"
DESCRIPTION = "From labelled traces to a gated champion in MLflow."
DEFAULT_IMAGE = "leeward/train-python:0.1.0"
"""Image of the components; kfp's local runner wants "python" in its name."""


def training_pipeline(image: str = DEFAULT_IMAGE) -> dsl.base_component.BaseComponent:
    """The pipeline with its components in an image.

    Args:
        image: has this package and kfp installed.
    """
    component = dsl.component(base_image=image, install_kfp_package=False)
    extract, validate = component(_extract), component(_validate)
    train, register, promote = component(_train), component(_register), component(_promote)

    def leeward_training(traces: str, state: str, registry: str, settings: str) -> str:
        extracted = extract(traces=traces, state=state).set_caching_options(enable_caching=False)
        valid = validate(extracted=extracted.outputs["extracted"])
        trained = train(extracted=extracted.outputs["extracted"], settings=settings).after(valid)
        registered = register(trained=trained.outputs["trained"], registry=registry, settings=settings)
        promoted = promote(
            extracted=extracted.outputs["extracted"],
            trained=trained.outputs["trained"],
            registration=registered.output,
            state=state,
            registry=registry,
            settings=settings,
        )
        for task in (valid, trained, registered, promoted):
            task.set_caching_options(enable_caching=False)
        outcome: str = promoted.output
        return outcome

    return dsl.pipeline(leeward_training, name=PIPELINE_NAME, description=DESCRIPTION)


def compile_pipeline(path: Path, *, image: str = DEFAULT_IMAGE) -> Path:
    """Compile the pipeline to its intermediate representation, as YAML; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(training_pipeline(image), package_path=str(path))
    return path


def _extract(traces: str, state: str, extracted: dsl.Output[dsl.Dataset]) -> None:
    from pathlib import Path

    from pipelines.steps import extract_step

    extract_step(Path(traces), Path(state), Path(extracted.path))


def _validate(extracted: dsl.Input[dsl.Dataset]) -> str:
    from pathlib import Path

    from pipelines.steps import validate_step

    return validate_step(Path(extracted.path))


def _train(extracted: dsl.Input[dsl.Dataset], settings: str, trained: dsl.Output[dsl.Model]) -> None:
    from pathlib import Path

    from pipelines.steps import train_step

    train_step(Path(extracted.path), settings, Path(trained.path))


def _register(trained: dsl.Input[dsl.Model], registry: str, settings: str) -> str:
    from pathlib import Path

    from pipelines.steps import register_step

    return register_step(Path(trained.path), registry, settings)


def _promote(  # noqa: PLR0917 - kfp calls it
    extracted: dsl.Input[dsl.Dataset],
    trained: dsl.Input[dsl.Model],
    registration: str,
    state: str,
    registry: str,
    settings: str,
) -> str:
    from pathlib import Path

    from pipelines.steps import promote_step

    return promote_step(
        Path(extracted.path),
        Path(trained.path),
        registration,
        state=Path(state),
        place=registry,
        settings=settings,
    )


if __name__ == "__main__":
    compile_pipeline(Path(sys.argv[1]), image=sys.argv[2] if len(sys.argv) > 2 else DEFAULT_IMAGE)
