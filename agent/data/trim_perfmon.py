"""Trim Intel's perfmon event files to the events that the feature contract reads.

Run as ``python -m agent.data.trim_perfmon DIRECTORY`` where the directory holds ``sapphirerapids_core.json``,
``sapphirerapids_uncore.json``, ``sapphirerapids_uncore_experimental.json`` and ``LICENSE`` of
https://github.com/intel/perfmon (folder ``SPR/events``).
"""

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.features import FEATURE_SCHEMA_V1

EVENT_FILES = ("sapphirerapids_core.json", "sapphirerapids_uncore.json", "sapphirerapids_uncore_experimental.json")
_KEPT_KEYS = (
    "EventName",
    "Unit",
    "EventCode",
    "UMask",
    "UMaskExt",
    "PortMask",
    "FCMask",
    "Counter",
    "CounterMask",
    "Invert",
    "EdgeDetect",
    "BriefDescription",
)


def trim(document: Mapping[str, object], wanted: frozenset[str]) -> dict[str, object]:
    """Keep the header and, of each wanted event, the keys that its encoding needs.

    Args:
        document: one perfmon file, with ``Header`` and ``Events``.
        wanted: vendor names.
    """
    events = document["Events"]
    if not isinstance(events, list):
        raise TypeError(f"Events is a {type(events).__name__}: a perfmon event file has a list there")
    kept = [{key: event[key] for key in _KEPT_KEYS if key in event} for event in events if event["EventName"] in wanted]
    return {"Header": document["Header"], "Events": sorted(kept, key=lambda event: str(event["EventName"]))}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the trimmed files and the licence beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="where the vendor's files lie")
    source: Path = parser.parse_args(arguments).directory
    target = Path(__file__).parent
    for name in EVENT_FILES:
        trimmed = trim(json.loads((source / name).read_text()), FEATURE_SCHEMA_V1.events)
        (target / name).write_text(json.dumps(trimmed, indent=1) + "\n")
    shutil.copyfile(source / "LICENSE", target / "LICENSE")
    (target / "LICENSE").chmod(0o644)


if __name__ == "__main__":
    main()
