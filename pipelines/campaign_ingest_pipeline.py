"""The pipeline ``campaign-ingest``: traces of campaigns, held to the expectations, go into the feature store."""

from kfp import dsl

from pipelines.component_image import DEFAULT_IMAGE, in_image
from pipelines.components.read_traces import read_traces
from pipelines.components.take_in import take_in
from pipelines.components.validate import validate
from pipelines.task_needs import STATE, TRACES

PIPELINE_NAME = "leeward-campaign-ingest"
DESCRIPTION = "Vectors, profiles and labels of characterisation campaigns into the feature store."


def campaign_ingest_pipeline(image: str = DEFAULT_IMAGE, *, retried: bool = True) -> dsl.base_component.BaseComponent:
    """The pipeline with its components in an image; nothing is taken in that an expectation refuses."""
    new_read, new_validate, new_take_in = (
        in_image(body, image, retried=retried) for body in (read_traces, validate, take_in)
    )

    def leeward_campaign_ingest(traces: str = TRACES, state: str = STATE) -> None:
        read = new_read(traces=traces)
        valid = new_validate(extracted=read.outputs["read"])
        new_take_in(traces=traces, state=state).after(valid)

    return dsl.pipeline(leeward_campaign_ingest, name=PIPELINE_NAME, description=DESCRIPTION)
