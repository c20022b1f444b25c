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
    "workload profile v1": "sha256:41e7406412f049c60532f32d9457433be12aed4847dfa6139e30c8bfaaadcabe",
    "labelled trace v1": "sha256:73bc7b8ce0857f478055758cf2157300dd9219563b424afeb99f7d4ffb30b2dc",
    "model bundle v1": "sha256:6e2f08605eb50a693072fa132ba8639d966156f9f1911e269bde0451600378f1",
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
