"""The regime model of the state directory's champion, picked up whenever that changes."""

from pathlib import Path

from agent import log
from agent.regime import RegimePredictor
from serving.champion import champion_path, load_champion
from serving.errors import BundleError

Signature = tuple[int, int, int]


class ChampionModel:
    """Keeps a predictor current.

    A champion that can't be used is refused once and the one before stays; it is looked at again when its file is
    replaced. Without a champion there is no predictor, and ONNX Runtime stays out of memory.
    """

    def __init__(self, state_directory: Path) -> None:
        self._state_directory = state_directory
        self._seen: Signature | None = None
        self._predictor: RegimePredictor | None = None
        self._digest: str | None = None

    @property
    def predictor(self) -> RegimePredictor | None:
        """The model, if there is one."""
        return self._predictor

    @property
    def digest(self) -> str | None:
        """The digest of its bundle."""
        return self._digest

    def refresh(self) -> None:
        """Look whether the champion's file was replaced, and if so load what it names."""
        found = _signature(champion_path(self._state_directory))
        if found == self._seen:
            return
        self._seen = found
        try:
            self._load()
        except (BundleError, OSError) as error:
            log.warning("champion-refused", error=error, serving=self._digest)

    def _load(self) -> None:
        bundle = load_champion(self._state_directory)
        if bundle is None:
            self._predictor, self._digest = None, None
            log.info("champion-gone")
            return
        from serving.regime_model import RegimeModel  # noqa: PLC0415 - ONNX Runtime, which only a model needs

        self._predictor, self._digest = RegimeModel(bundle), bundle.digest
        log.info("champion-loaded", digest=bundle.digest, name=bundle.manifest.name, version=bundle.manifest.version)


def _signature(path: Path) -> Signature | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
