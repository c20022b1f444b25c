"""Options that several commands of ``leeward agent`` share: where the kernel's trees lie, and where settings do."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


_Directory = Path | None
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="For people, or for programs.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings in TOML; see docs/agent-settings.md.", dir_okay=False)
]
StateOption = Annotated[
    _Directory,
    typer.Option(
        "--state", help="Directory for everything that is kept locally.", envvar="LEEWARD_STATE", file_okay=False
    ),
]
NodeOption = Annotated[str | None, typer.Option("--node", help="This node's name; NODE_NAME or the host's name else.")]
SysOption = Annotated[_Directory, typer.Option("--sys", help="Where sysfs is mounted.", file_okay=False)]
ProcOption = Annotated[_Directory, typer.Option("--proc", help="Where procfs is mounted.", file_okay=False)]
ResctrlOption = Annotated[_Directory, typer.Option("--resctrl", help="Where resctrl is mounted.", file_okay=False)]
CgroupOption = Annotated[_Directory, typer.Option("--cgroup", help="Where cgroups are mounted.", file_okay=False)]
