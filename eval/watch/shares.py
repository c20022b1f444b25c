"""How often something went wrong, each cluster counted once: many windows of one workload are not so much evidence."""

from collections.abc import Iterable

from pydantic import Field

from contracts.model import Document


class Counted(Document):
    """Of one cluster: how many rows went wrong, of how many."""

    wrong: int
    rows: int


class Shares(Document):
    """Counts by cluster (a workload group, or a node) that are bet on together, as one value.

    The value is the mean over clusters of the share that went wrong within each: one number a period, however many
    windows there were, and however much the clusters' fates hang together within the period. A period with too few
    clusters is not closed, but goes on into the next: one bad workload alone would speak for all.
    """

    clusters: dict[str, Counted] = Field(default_factory=dict)

    def plus(self, rows: Iterable[tuple[str, bool]]) -> "Shares":
        """With further rows, each of a cluster, that went wrong or not."""
        clusters = dict(self.clusters)
        for cluster, wrong in rows:
            had = clusters.get(cluster, Counted(wrong=0, rows=0))
            clusters[cluster] = Counted(wrong=had.wrong + wrong, rows=had.rows + 1)
        return Shares(clusters=clusters)

    def __len__(self) -> int:
        return len(self.clusters)

    @property
    def mean(self) -> float:
        """Mean over clusters of each one's share, 0 to 1; there is one at least."""
        return sum(counted.wrong / counted.rows for counted in self.clusters.values()) / len(self.clusters)
