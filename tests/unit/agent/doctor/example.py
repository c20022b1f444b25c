"""The example of ``docs/doctor.md``: a fabricated bare-metal node with typical gaps.

python -m tests.unit.agent.doctor.example --write    put it into the page
python -m tests.unit.agent.doctor.example --check    fail where the page is stale
"""

import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from agent.doctor.render import render
from tests.unit.agent.doctor.patient import IN_POD, Patient, examined
from tests.unit.agent.fabricated_node import rate
from tests.unit.agent.fake_kernel import OpenCounter
from tests.unit.agent.machine_tree import FIRST_BOX_TYPE, Machine

PAGE = Path(__file__).parents[4] / "docs/doctor.md"
BEGIN = "<!-- example: written by python -m tests.unit.agent.doctor.example --write -->\n```text\n"
END = "```\n<!-- end of example -->\n"
_WIDTH = 100
_BOXES = {"cha": 56, "imc": 8, "upi": 4, "iio": 12}
_SILENT_TYPE = FIRST_BOX_TYPE + _BOXES["cha"] + 5


def _rate(counter: OpenCounter) -> float:
    return 0.0 if counter.type == _SILENT_TYPE and counter.cpu == 0 else rate(counter)


GAPS = Patient(
    machine=Machine(cores=56, clusters=2, boxes=_BOXES, isolated="4-27,32-55,60-83,88-111", nmi_watchdog=True),
    cache="107520K",
    resctrl=False,
    environment=IN_POD,
    rate=_rate,
)
"""Two sockets of 56 cores in two clusters each, most CPUs isolated; resctrl not mounted, and one memory box silent."""


def example() -> str:
    """What ``leeward agent doctor`` says of it, with a node's figures where those of this machine would be."""
    with tempfile.TemporaryDirectory() as directory:
        account = Path(directory) / "account"
        account.mkdir()
        for name in ("token", "ca.crt"):
            (account / name).touch()
        report = examined(Path(directory), GAPS).report
        checks = tuple(replace(check, found=_as_on_a_node(check.found, directory)) for check in report.checks)
    console = Console(width=_WIDTH, no_color=True)
    with console.capture() as captured:
        console.print(render(replace(report, agent_version="0.1.0", checks=checks)))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _as_on_a_node(found: str, directory: str) -> str:
    found = found.replace(f"{directory}/state", "/var/lib/leeward").replace(directory, "/host")
    found = re.sub(r"[\d,]+ MiB free", "251 MiB free", found)
    return re.sub(r"may have [\d,]+", "may have 1,048,576", found)


def with_example(page: str, shown: str) -> str:
    """The page with the example as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + shown + END + after


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    page = PAGE.read_text(encoding="utf-8")
    current = with_example(page, example())
    if arguments == ["--write"]:
        PAGE.write_text(current, encoding="utf-8")
    elif current != page:
        print(f"{PAGE} is stale: python -m tests.unit.agent.doctor.example --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
