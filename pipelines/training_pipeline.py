"""The pipeline ``train``: extract, validate, train, register, promote.

Labelling, fits, calibration, held-out evaluation and export share models. In one process they are made side by side
and never written down; on a cluster each fold is a task of its own, and the fits travel. The figures are the same.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from kfp import dsl

from pipelines.component_image import DEFAULT_IMAGE, NewTask, in_image
from pipelines.components.extract import extract
from pipelines.components.fit_fold import fit_fold
from pipelines.components.number_folds import number_folds
from pipelines.components.promote import promote
from pipelines.components.register import register
from pipelines.components.train import train
from pipelines.components.train_from_folds import train_from_folds
from pipelines.components.validate import validate
from pipelines.task_needs import REGISTRY, STATE, TRACES

PIPELINE_NAME = "leeward-training"
DESCRIPTION = "From labelled traces to a gated champion in MLflow."

FOLDS_AT_ONCE = 16
"""Tasks that a run may have beside one another."""


class TrainingOutputs(NamedTuple):
    """What a run answers: ``pipelines.report`` as JSON."""

    outcome: str
    report: str


def training_pipeline(
    image: str = DEFAULT_IMAGE, *, folds_apart: bool = True, retried: bool = True
) -> dsl.base_component.BaseComponent:
    """The pipeline with its components in an image.

    Args:
        image: has this package and kfp installed.
        folds_apart: each fold is a task of its own; else one task trains all.
        retried: whether failed tasks are tried again.
    """
    made = partial(in_image, image=image, retried=retried)
    new_extract, new_validate, new_register, new_promote = (
        made(body) for body in (extract, validate, register, promote)
    )
    new_train = _trained_in_folds(made) if folds_apart else _trained_together(made)

    def leeward_training(
        traces: str = TRACES,
        state: str = STATE,
        registry: str = REGISTRY,
        settings: str = "{}",
        engine: str = "{}",
    ) -> TrainingOutputs:
        extracted = new_extract(traces=traces, state=state, engine=engine).outputs["extracted"]
        valid = new_validate(extracted=extracted)
        trained = new_train(extracted=extracted, settings=settings, engine=engine, after=valid)
        registered = new_register(trained=trained.outputs["trained"], registry=registry, settings=settings)
        promoted = new_promote(
            extracted=extracted, registration=registered.output, state=state, registry=registry, settings=settings
        )
        return TrainingOutputs(outcome=promoted.outputs["Output"], report=trained.outputs["Output"])

    return dsl.pipeline(leeward_training, name=PIPELINE_NAME, description=DESCRIPTION)


def _trained_together(made: Callable[[Callable[..., Any]], NewTask]) -> NewTask:
    new_train = made(train)

    def new_task(*, extracted: Any, settings: Any, engine: Any, after: dsl.PipelineTask) -> dsl.PipelineTask:
        return new_train(extracted=extracted, settings=settings, engine=engine).after(after)

    return new_task


def _trained_in_folds(made: Callable[[Callable[..., Any]], NewTask]) -> NewTask:
    new_number, new_fit, new_train = (made(body) for body in (number_folds, fit_fold, train_from_folds))

    def new_tasks(*, extracted: Any, settings: Any, engine: Any, after: dsl.PipelineTask) -> dsl.PipelineTask:
        folds = new_number(extracted=extracted, settings=settings).after(after)
        with dsl.ParallelFor(folds.output, name="each-fold", parallelism=FOLDS_AT_ONCE) as fold:
            fitted = new_fit(extracted=extracted, settings=settings, engine=engine, fold=fold)
        fits = dsl.Collected(fitted.outputs["fits"])
        return new_train(extracted=extracted, fits=fits, settings=settings, engine=engine)

    return new_tasks
