"""Labelled traces validated as ``leeward traces validate`` does; ``feature_store_cost`` starts it by itself.

    python -m tests.bench.validated_rows TRACES

The last line of its output is a ``Stretch`` as JSON.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from eval.traces.refusal import Refusals
from eval.traces.validate import validate
from tests.bench.own_process import Stretch, imported_mib, peak_mib


def validated(directory: Path) -> Stretch:
    """Validate all rows, and the vectors beside them.

    Raises:
        ValueError: a row was refused.
    """
    refusals = Refusals()
    imported, began = imported_mib(), time.monotonic()
    done = validate(directory, refusals=refusals)
    seconds = time.monotonic() - began
    if refusals.total:
        raise ValueError(f"{refusals.total} of {done.rows} rows are refused: {refusals.shown[0]}")
    return Stretch(rows=done.good, seconds=seconds, imported_mib=imported, peak_mib=peak_mib())


if __name__ == "__main__":
    print(json.dumps(asdict(validated(Path(sys.argv[1])))))
