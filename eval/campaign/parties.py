"""Who takes part in a window, as a labelled trace names them."""

from collections.abc import Mapping

from contracts.profile import WorkloadProfile
from contracts.trace import Party
from eval.testbed.node import Occupant
from eval.testbed.stressor import Stressor
from pipelines.folds import STRESSOR_GROUP


def party_of(occupant: Occupant, profiles: Mapping[str, WorkloadProfile]) -> Party:
    """An occupant by its key, the digest of its profile, and its group.

    Args:
        occupant: a workload or a stressor.
        profiles: by key.
    """
    group = STRESSOR_GROUP if isinstance(occupant, Stressor) else occupant.group
    return Party(key=occupant.name, profile=profiles[occupant.name].digest, group=group)
