"""How far held-out bundles are from honest fits, where workloads were held out and where rows were.

    python -m tests.bench.audit_distances TRACES

TRACES is a directory of labelled traces. Two trainings; minutes for a whole campaign. Figures stand in
docs/adr/0008-registry.md.
"""

import sys
from pathlib import Path

from pipelines.audit import audits
from pipelines.dataset import read_dataset
from pipelines.family import BundleFamily
from pipelines.settings import TrainingSettings
from pipelines.training import train
from pipelines.training_data import training_data
from tests.unit.pipelines.leaky_training import held_out_by_row


def main(traces: Path) -> None:
    """Print, for both ways of holding out, distances over that of the bundle that has seen all."""
    settings = TrainingSettings()
    data = training_data(read_dataset(traces), settings)
    for held_out, given in (("workloads", data), ("rows", held_out_by_row(data))):
        training = train(given, settings)
        siblings = tuple(draft.in_memory() for draft in training.held_out.values())
        family = BundleFamily(whole=training.draft.in_memory(), held_out=siblings)
        found = audits(family, data, settings, at_most=len(siblings))
        shares = sorted(audit.distance / audit.of_whole for audit in found)
        print(f"{held_out} held out: {len(found)} bundles, {shares[0]:.4f} to {shares[-1]:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
