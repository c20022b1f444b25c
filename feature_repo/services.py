"""What is read together: one service for each version of a model's input, and one for each view that stands alone."""

from typing import NamedTuple

from feast import FeatureService

from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import REGIME_DIGEST_V1
from feature_repo.documents import LABELS, PROFILES
from feature_repo.names import (
    CONTRACT_TAG,
    DIGEST_TAG,
    INTERFERENCE_SERVICE_NAME,
    LABEL_NAME,
    OWNER,
    PROFILE_NAME,
    REGIME_SERVICE_NAME,
    VIEW_NAME,
)
from feature_repo.views import Views


class Services(NamedTuple):
    """All services."""

    vector: FeatureService
    profile: FeatureService
    label: FeatureService
    regime: FeatureService
    interference: FeatureService


def services(views: Views) -> Services:
    """All services, over the given views."""
    digest = FEATURE_SCHEMA_V1.digest
    return Services(
        vector=FeatureService(
            name=VIEW_NAME,
            features=[views.vectors],
            tags={DIGEST_TAG: digest},
            description="The whole vector, as ingest and extraction read it",
            owner=OWNER,
        ),
        profile=FeatureService(
            name=PROFILE_NAME,
            features=[views.profiles],
            tags={CONTRACT_TAG: PROFILES.contract},
            description="The whole profile of a workload",
            owner=OWNER,
        ),
        label=FeatureService(
            name=LABEL_NAME,
            features=[views.labels],
            tags={CONTRACT_TAG: LABELS.contract},
            description="The whole label of a victim's window: for training alone, since it has the outcome in it",
            owner=OWNER,
        ),
        regime=FeatureService(
            name=REGIME_SERVICE_NAME,
            features=[views.vectors, views.presence],
            tags={DIGEST_TAG: digest, CONTRACT_TAG: REGIME_DIGEST_V1},
            description="What a regime is judged by: the vector, and how much of it is there",
            owner=OWNER,
        ),
        interference=FeatureService(
            name=INTERFERENCE_SERVICE_NAME,
            features=[views.vectors, views.profiles],
            tags={DIGEST_TAG: digest, CONTRACT_TAG: PROFILES.contract},
            description="What a slowdown is predicted from: the domain's vector before the arrival, a party's profile",
            owner=OWNER,
        ),
    )
