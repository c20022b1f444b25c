"""The regime model of the state directory's champion, picked up whenever that changes."""

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

from agent import log
from agent.regime import RegimePredictor
from agent.troubles import Troubles
from serving.champion import champion_path, load_champion
from serving.errors import BundleError

REFUSED = "model-refused"
"""The trouble of a champion that lies on this disk and can't be used."""

LOOK_AGAIN_SECONDS = 300.0
"""A refused champion is looked at again after so long: what was in the way, want of memory say, may have passed."""

Signature = tuple[int, int, int]


class ChampionModel:
    """Keeps a predictor current.

    A champion that can't be used is refused and the one before stays; it is looked at again when its file is replaced,
    and now and then. Without a champion there is no predictor, and ONNX Runtime stays out of memory.

    Args:
        state_directory: where the champion and its bundle lie.
        troubles: is told of a champion that was refused.
        clock: seconds, of a clock that never steps.
    """

    def __init__(
        self,
        state_directory: Path,
        *,
        troubles: Troubles | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state_directory = state_directory
        self._troubles = troubles or Troubles()
        self._clock = clock
        self._seen: Signature | None = None
        self._look_again_seconds: float | None = None
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
        try:
            found = _signature(champion_path(self._state_directory))
            if found == self._seen and not self._is_due_again():
                return
            self._seen = found
            self._load()
        except (BundleError, OSError) as error:
            self._look_again_seconds = self._clock() + LOOK_AGAIN_SECONDS
            serving = f"bundle {self._digest} serves on" if self._digest else "every regime is unknown"
            self._troubles.tell(REFUSED, f"{error} ({serving})")
            return
        self._look_again_seconds = None
        self._troubles.clear(REFUSED)

    def _is_due_again(self) -> bool:
        return self._look_again_seconds is not None and self._clock() >= self._look_again_seconds

    def _load(self) -> None:
        bundle = load_champion(self._state_directory)
        if bundle is None:
            self._predictor, self._digest = None, None
            log.info("champion-gone")
            return
        from serving.regime_model import RegimeModel  # noqa: PLC0415 - ONNX Runtime, which only a model needs

        self._predictor, self._digest = RegimeModel(bundle), bundle.digest
        log.info("champion-loaded", digest=bundle.digest, name=bundle.manifest.name, version=bundle.manifest.version)
        del bundle
        _give_back_memory()


def _give_back_memory() -> None:
    """What loading needed for a moment, and the model before: glibc would keep it for later (malloc_trim(3))."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _signature(path: Path) -> Signature | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
