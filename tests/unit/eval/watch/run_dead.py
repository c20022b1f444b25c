"""A training whose process is killed."""

import os
import signal
import sys
from pathlib import Path

from eval.watch.local_trainer import write_pid

if __name__ == "__main__":
    write_pid(Path(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)
