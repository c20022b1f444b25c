"""Bundles' models, each loaded once.

A session of ONNX Runtime costs ten milliseconds, and memory that comes back late.
"""

from serving.bound_model import BoundModel
from serving.bundle_directory import Bundle
from serving.regime_model import RegimeModel


class LoadedModels:
    """Whoever asks the same bundles again and again keeps one of these as long as that goes on.

    Bundles are told apart by identity, and kept.
    """

    def __init__(self) -> None:
        self._bounds: dict[int, tuple[Bundle, BoundModel]] = {}
        self._regimes: dict[int, tuple[Bundle, RegimeModel]] = {}

    def bounds(self, bundle: Bundle) -> BoundModel:
        """The bundle's bound model.

        Raises:
            BundleError: it can't be used.
        """
        if id(bundle) not in self._bounds:
            self._bounds[id(bundle)] = (bundle, BoundModel(bundle))
        return self._bounds[id(bundle)][1]

    def regimes(self, bundle: Bundle) -> RegimeModel:
        """The bundle's regime model.

        Raises:
            BundleError: it can't be used.
        """
        if id(bundle) not in self._regimes:
            self._regimes[id(bundle)] = (bundle, RegimeModel(bundle))
        return self._regimes[id(bundle)][1]
