"""The pipeline ``heldout-report``: what a registered version said of workloads never seen."""

from kfp import dsl

from pipelines.component_image import DEFAULT_IMAGE, in_image
from pipelines.components.find_version import find_version
from pipelines.components.show_held_out import show_held_out
from pipelines.task_needs import REGISTRY

PIPELINE_NAME = "leeward-heldout-report"
DESCRIPTION = "Coverage, regimes and figures of a registered version on workloads never seen."


def heldout_report_pipeline(image: str = DEFAULT_IMAGE, *, retried: bool = True) -> dsl.base_component.BaseComponent:
    """The pipeline with its components in an image; nothing is fitted, so it takes seconds."""
    new_find, new_show = (in_image(body, image, retried=retried) for body in (find_version, show_held_out))

    def leeward_heldout_report(version: str, registry: str = REGISTRY, settings: str = "{}") -> None:
        found = new_find(version=version, registry=registry)
        new_show(registration=found.output, registry=registry, settings=settings)

    return dsl.pipeline(leeward_heldout_report, name=PIPELINE_NAME, description=DESCRIPTION)
