"""All pictures, and how they become files."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from eval.pictures.axis_sensitivity import axis_sensitivity, draw_axis_sensitivity
from eval.pictures.cache_sharing import cache_sharing, draw_cache_sharing
from eval.pictures.core_clock import core_clock, draw_core_clock
from eval.pictures.ddio_overflow import ddio_overflow, draw_ddio_overflow
from eval.pictures.errors import PictureError
from eval.pictures.loaded_latency import draw_loaded_latency, loaded_latency
from eval.pictures.non_additivity import draw_non_additivity, non_additivity
from eval.pictures.poll_mode import draw_poll_mode, poll_mode
from eval.pictures.smt_siblings import draw_smt_siblings, smt_siblings
from eval.pictures.style import house_style

PICTURES: Mapping[str, Callable[[], Figure]] = {
    "loaded-latency": lambda: draw_loaded_latency(loaded_latency()),
    "cache-sharing": lambda: draw_cache_sharing(cache_sharing()),
    "ddio-overflow": lambda: draw_ddio_overflow(ddio_overflow()),
    "smt-siblings": lambda: draw_smt_siblings(smt_siblings()),
    "axis-sensitivity": lambda: draw_axis_sensitivity(axis_sensitivity()),
    "non-additivity": lambda: draw_non_additivity(non_additivity()),
    "poll-mode": lambda: draw_poll_mode(poll_mode()),
    "core-clock": lambda: draw_core_clock(core_clock()),
}
"""How each is made, by the name of its file, in the order of ``docs/testbed.md``."""

Progress = Callable[[str, float], None]
"""Takes what is being done, and how much is done, 0 to 1."""


def svg_of(make: Callable[[], Figure]) -> bytes:
    """Draw a figure in the house style; one figure gives the same bytes each time."""
    written = BytesIO()
    with house_style():
        make().savefig(written, format="svg", metadata={"Date": None, "Creator": "Leeward, simulated"})
    return written.getvalue()


def write_pictures(directory: Path, *, progress: Progress) -> tuple[Path, ...]:
    """Make all pictures anew, as SVG; a file of the same name is replaced.

    Args:
        directory: made where it does not exist.
        progress: told before each picture.

    Returns:
        The files, in the order of ``PICTURES``.

    Raises:
        PictureError: the directory can't be made or written.
    """
    files = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for number, (name, make) in enumerate(PICTURES.items()):
            progress(f"drawing {name}", number / len(PICTURES))
            file = directory / f"{name}.svg"
            file.write_bytes(svg_of(make))
            files.append(file)
    except OSError as error:
        raise PictureError(
            f"{directory} can't hold the pictures: {error.strerror}; name a writable directory"
        ) from error
    return tuple(files)
