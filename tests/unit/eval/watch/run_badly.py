"""A training that fails with a sentence."""

import sys
from pathlib import Path

from eval.watch.local_trainer import write_end, write_pid

if __name__ == "__main__":
    write_pid(Path(sys.argv[2]))
    write_end(Path(sys.argv[2]), "training failed at extract: no traces to train on")
