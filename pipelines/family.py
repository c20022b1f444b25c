"""A bundle and its siblings: the same training, each without some workload groups.

    <directory>/bundle/            trained on all groups
    <directory>/held-out/<nn>/     trained without fold nn

The siblings lie beside the bundle in the registry, so that a later challenger can be compared with this training on
workloads that neither has seen.
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.judged import bounds_without, joined_bounds, joined_regimes, regimes_without
from pipelines.loaded_models import LoadedModels
from pipelines.predictions import HeldOutPredictions
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.bundle_directory import Bundle, read_bundle
from serving.mlflow_champion import BUNDLE_ARTIFACT

HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleFamily:
    """Bundles of one training.

    Attributes:
        whole: trained on all groups.
        held_out: trained without some.
    """

    whole: Bundle
    held_out: tuple[Bundle, ...]

    def without(self, group: str) -> Bundle | None:
        """The bundle that has not seen a group; ``None`` where all have."""
        return next(
            (bundle for bundle in (self.whole, *self.held_out) if group not in bundle.manifest.training_groups), None
        )


def read_family(directory: Path, *, digest: str | None = None) -> BundleFamily:
    """Read and verify all bundles; a training that was registered without siblings has none.

    Args:
        directory: as above.
        digest: of the whole bundle, where it is known.

    Raises:
        BundleError: one of them can't be used.
    """
    siblings = sorted((directory / HELD_OUT).iterdir()) if (directory / HELD_OUT).is_dir() else []
    return BundleFamily(
        whole=read_bundle(directory / BUNDLE_ARTIFACT, expected_digest=digest),
        held_out=tuple(read_bundle(sibling) for sibling in siblings),
    )


def predictions_of(
    family: BundleFamily, data: TrainingData, groups: tuple[str, ...], settings: TrainingSettings
) -> HeldOutPredictions:
    """What a family says of workload groups, each by the bundle that has not seen it.

    Args:
        family: the bundles.
        data: rows and windows to judge.
        groups: each held out from some bundle of the family.
        settings: the rate that the predictions are to be judged at.
    """
    bundles = {group: bundle for group in groups if (bundle := family.without(group)) is not None}
    models = LoadedModels()
    return HeldOutPredictions(
        rate=settings.rate,
        bounds=joined_bounds([bounds_without(models.bounds(bundle), data, group) for group, bundle in bundles.items()]),
        regimes=joined_regimes(
            [regimes_without(models.regimes(bundle), data, group) for group, bundle in bundles.items()]
        ),
    )
