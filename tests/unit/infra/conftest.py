import pytest

from tests.unit.infra.kustomization import EVERYTHING, Manifest, render


@pytest.fixture(scope="session")
def objects() -> list[Manifest]:
    return render(EVERYTHING)
