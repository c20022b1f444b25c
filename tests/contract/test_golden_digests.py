"""The contracts as they stand. A digest that changes here breaks every node, bundle and stored vector out there."""

import pytest

from contracts.bundle import BUNDLE_DIGEST_V1
from contracts.crd import NODE_STATE_DIGEST_V1
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import PROFILE_DIGEST_V1
from contracts.regime import REGIME_DIGEST_V1
from contracts.trace import TRACE_DIGEST_V1

GOLDEN = {
    "feature vector v1": "sha256:340494162b8af1e8c28fe846d415f36430b28c9672e4ab6a9ca6e738c07d39ae",
    "regime v1": "sha256:1ea41a6fef62f6df340a35af3cf2908375156db2b20ec559cd4e258432bc3c76",
    "NodeState v1": "sha256:0ce07aa4c17425f6248e02d10d91cedf746c630ca981e5aab6d320ee449664a6",
    "workload profile v1": "sha256:ab2df2d1306356906038eff2ee91611e6a2f6d63048d8d9db107d28283309b3b",
    "labelled trace v1": "sha256:ec52d22b96c7fafee6750e05c8f30f1366fa4baa8ec3c7912ea7cd43c4ca2d0d",
    "model bundle v1": "sha256:be18b252aad3fa38b5698bf27443c7bf10f046c87fd7ceec397fb6031d72ecee",
}

PRESENT = {
    "feature vector v1": FEATURE_SCHEMA_V1.digest,
    "regime v1": REGIME_DIGEST_V1,
    "NodeState v1": NODE_STATE_DIGEST_V1,
    "workload profile v1": PROFILE_DIGEST_V1,
    "labelled trace v1": TRACE_DIGEST_V1,
    "model bundle v1": BUNDLE_DIGEST_V1,
}

ADVICE = (
    "The contract {name} is frozen and this change alters it. Undo the change; or, if it is meant, add a new version "
    "beside the old one (schema, digest, readers of both) with an ADR in docs/adr that gives the reason. Contracts "
    "change only by a new version beside the old one; never by editing this digest."
)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_contract_is_what_it_was(name: str) -> None:
    assert PRESENT[name] == GOLDEN[name], ADVICE.format(name=name)


def test_every_contract_is_held() -> None:
    assert GOLDEN.keys() == PRESENT.keys()
