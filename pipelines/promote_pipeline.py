"""The pipeline ``promote``: the gate is asked again about a version that is registered, for one that was refused by a
champion since rolled back, or under other settings.
"""

from kfp import dsl

from pipelines.component_image import DEFAULT_IMAGE, in_image
from pipelines.components.extract import extract
from pipelines.components.find_version import find_version
from pipelines.components.promote import promote
from pipelines.task_needs import REGISTRY, STATE, TRACES

PIPELINE_NAME = "leeward-promote"
DESCRIPTION = "The gate about a version that is registered, and the alias if it says so."


def promote_pipeline(image: str = DEFAULT_IMAGE, *, retried: bool = True) -> dsl.base_component.BaseComponent:
    """The pipeline with its components in an image."""
    new_extract, new_find, new_promote = (
        in_image(body, image, retried=retried) for body in (extract, find_version, promote)
    )

    def leeward_promote(
        version: str, traces: str = TRACES, state: str = STATE, registry: str = REGISTRY, settings: str = "{}"
    ) -> str:
        extracted = new_extract(traces=traces, state=state)
        found = new_find(version=version, registry=registry)
        promoted = new_promote(
            extracted=extracted.outputs["extracted"],
            registration=found.output,
            state=state,
            registry=registry,
            settings=settings,
        )
        outcome: str = promoted.outputs["Output"]
        return outcome

    return dsl.pipeline(leeward_promote, name=PIPELINE_NAME, description=DESCRIPTION)
