"""What an operator can tell the extender, in one typed object: ``<state>/extender.json``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from contracts.errors import ContractError
from contracts.model import Document
from scheduler_extender.errors import ExtenderError
from scheduler_extender.policy import LeewardPolicy, Seconds

SETTINGS_FILE = "extender.json"


class ExtenderSettings(Document):
    """All that can be set; every key may be left out.

    Attributes:
        leeward_policy: tolerances, enforcement, staleness and shadow mode, see ``scheduler_extender.policy``.
        budget_seconds: what a request may spend on computing bounds that are not kept yet; the scheduler waits for
            ``httpTimeout``, 250 ms in the manifests, and parsing and encoding want their part of it.
        body_seconds: how long a request's body may take to arrive.
        body_limit_bytes: larger requests are refused; 5,000 whole nodes of 10 KB pass.
        kept_workloads: for how many workloads bounds are kept; the longest unused are forgotten.
        explained_nodes: how many nodes one ``/explain`` may ask about.
        registry_seconds: how often the registry of models is asked who its champion is, where there is one.
        profiles_seconds: how often the feature store is asked for profiles, where there is one.
        poll_seconds: the state directory is looked through this often even where no change was announced.
    """

    leeward_policy: LeewardPolicy = LeewardPolicy()
    budget_seconds: Seconds = 0.15
    body_seconds: Seconds = 5.0
    body_limit_bytes: Annotated[int, Field(ge=1024, le=2**30)] = 64 * 2**20
    kept_workloads: Annotated[int, Field(ge=1, le=1024)] = 32
    explained_nodes: Annotated[int, Field(ge=1, le=5000)] = 50
    registry_seconds: Annotated[float, Field(ge=0.1, le=3600.0)] = 30.0
    profiles_seconds: Annotated[float, Field(ge=0.1, le=3600.0)] = 30.0
    poll_seconds: Annotated[float, Field(ge=0.1, le=3600.0)] = 5.0


def read_settings(state: Path) -> ExtenderSettings:
    """The settings of a state directory; the defaults where nothing was set.

    Raises:
        ExtenderError: the file can't be read or says something else.
    """
    path = state / SETTINGS_FILE
    try:
        return ExtenderSettings.from_json(path.read_bytes())
    except FileNotFoundError:
        return ExtenderSettings()
    except OSError as error:
        raise ExtenderError(f"{path} can't be read: {error.strerror}; make it readable or remove it") from error
    except ContractError as error:
        raise ExtenderError(f"{path} is refused: {error}; correct or remove it") from error
