"""A training that hangs, with a process of its own."""

import subprocess
import sys
import time
from pathlib import Path

from eval.watch.local_trainer import write_pid

if __name__ == "__main__":
    write_pid(Path(sys.argv[2]))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (Path(sys.argv[2]) / "child").write_text(str(child.pid))
    time.sleep(600)
