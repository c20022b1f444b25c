"""What stands in Feast is called so, and holds for so long."""

from datetime import timedelta

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace

PROJECT_NAME = "leeward"
OWNER = "leeward"

VIEW_NAME = f"vector_v{FEATURE_SCHEMA_V1.version}"
PUSH_SOURCE_NAME = f"{VIEW_NAME}_push"
PRESENCE_NAME = f"presence_v{FEATURE_SCHEMA_V1.version}"
PROFILE_NAME = f"profile_v{WorkloadProfile.model_fields['version'].default}"
PROFILE_PUSH_SOURCE_NAME = f"{PROFILE_NAME}_push"
LABEL_NAME = f"label_v{LabelledTrace.model_fields['version'].default}"
REGIME_SERVICE_NAME = f"regime_v{FEATURE_SCHEMA_V1.version}"
INTERFERENCE_SERVICE_NAME = f"interference_v{FEATURE_SCHEMA_V1.version}"

DIGEST_TAG = "feature_schema"
CONTRACT_TAG = "contract"
"""The digest of the contract that a view's rows are of."""

MAXIMUM_AGE = timedelta(seconds=300)
"""A join leaves out a vector whose window ended longer ago: a node agent silent for as long counts as stale."""

LABEL_MAXIMUM_AGE = MAXIMUM_AGE
"""A label speaks of its own window; it says as little of a later time as the vector does."""

PROFILE_MAXIMUM_AGE = timedelta(0)
"""Feast's word for no limit: what is known of a workload holds until more is known."""
