"""Which models are replayed: the champion that serves, bundles of the registry, and bundles that lie anywhere."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.placement.leeward import champion_in
from eval.replay.judge import ReplayedModel
from eval.replay.trouble import Trouble
from eval.watch.models import RegistryModels
from pipelines.registry import RegistryPlace
from serving.bundle_directory import Bundle, read_bundle


def replayed_models(
    state: Path,
    *,
    bundles: Sequence[Path],
    versions: Sequence[str],
    registry: RegistryPlace,
    troubles: Counter[Trouble],
) -> tuple[ReplayedModel, ...]:
    """The champion first, then the others in the order in which they were named, each bundle once.

    Args:
        state: whose champion serves.
        bundles: directories.
        versions: of the registry; one that can't be had any more is counted and left out.
        registry: where they are.
        troubles: counts those.

    Raises:
        EvaluationError: nobody serves.
        BundleError: a bundle can't be used, or the registry can't be asked.
    """
    champion = champion_in(state)
    found = [(f"champion {champion.manifest.version}".strip(), champion)]
    found += [(f"bundle {directory.name}", read_bundle(directory)) for directory in bundles]
    if versions:
        models = RegistryModels(state, registry)
        there = models.versions()
        for version in versions:
            bundle = models.bundle(models.verdict(version).digest) if version in there else None
            if bundle is None:
                troubles[Trouble.VANISHED] += 1
                continue
            found.append((f"version {version}", bundle))
    return tuple(_each_once(found))


def _each_once(found: Iterable[tuple[str, Bundle]]) -> Iterable[ReplayedModel]:
    digests: set[str] = set()
    names: Counter[str] = Counter()
    for name, bundle in found:
        if bundle.digest in digests:
            continue
        digests.add(bundle.digest)
        names[name] += 1
        yield ReplayedModel(name=name if names[name] == 1 else f"{name} ({names[name]})", bundle=bundle)
