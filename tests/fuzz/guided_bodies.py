"""Bodies that atheris changes towards lines of the extender which none has reached yet.

    python -m tests.fuzz.guided_bodies STATE BODIES SEED

STATE is a directory that ``fuzzed_extender.fill`` wrote. libFuzzer, which atheris drives, ends the process: at the
first unlawful answer, at a body that takes ten seconds, at 2 GiB of memory, or after so many bodies.
"""

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["contracts.profile", "scheduler_extender"]):
    from tests.fuzz.bodies import LIMIT_BYTES, TOKENS
    from tests.fuzz.fuzzed_extender import in_process
    from tests.unit.scheduler_extender.small_cluster import args, captured, pod_object


def main(state: Path, *, count: int, seed: int) -> None:
    """Ask; does not return."""
    logging.disable()
    with TemporaryDirectory(dir=state.parent) as corpus:
        for index, body in enumerate(_seeds()):
            (Path(corpus) / str(index)).write_bytes(body)
        bounds = [f"-runs={count}", f"-max_len={LIMIT_BYTES + 1}", "-timeout=10", "-rss_limit_mb=2048"]
        chosen = [f"-seed={seed}", f"-artifact_prefix={state.parent}/", "-verbosity=0"]
        atheris.Setup([sys.argv[0], corpus, *chosen, *bounds], in_process(state).ask)
        atheris.Fuzz()


def _seeds() -> list[bytes]:
    asked = args(pod_object("u", annotations={"leeward.dev/enforcement": "required"}), "spr-0001", "spr-0009")
    whole = asked.replace(b'"Nodes": null', b'"Nodes": {"items": [{"metadata": {"name": "spr-0002"}}]}')
    whole = whole.replace(b'"NodeNames": ["spr-0001", "spr-0009"]', b'"NodeNames": null')
    holed = [asked.replace(b'"Guaranteed"', token) for token in TOKENS if len(token) < 100]
    return [asked, whole, captured("filter-upf-nodes-16"), *holed]


if __name__ == "__main__":
    main(Path(sys.argv[1]), count=int(sys.argv[2]), seed=int(sys.argv[3]))
