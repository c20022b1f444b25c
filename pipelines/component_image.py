"""Components in an image, and a pipeline's tasks made from them."""

from collections.abc import Callable
from typing import Any

from kfp import dsl

from pipelines.task_needs import with_needs

DEFAULT_IMAGE = "leeward/train-python:0.1.0"
"""Image of the components; kfp's local runner wants "python" in its name."""

NewTask = Callable[..., dsl.PipelineTask]


def in_image(body: Callable[..., Any], image: str, *, retried: bool = True) -> NewTask:
    """A component whose body runs in an image; calling it within a pipeline makes a task with all that it needs.

    Args:
        body: a function of ``pipelines.components``.
        image: has this package and kfp installed.
        retried: whether a task that failed is tried again, as its needs say.
    """
    component = dsl.component(base_image=image, install_kfp_package=False)(body)

    def new_task(**arguments: Any) -> dsl.PipelineTask:
        return with_needs(component(**arguments), retried=retried)

    return new_task
