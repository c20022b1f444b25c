"""What an extender shows of itself beside its counters: values that go up and down."""

from collections.abc import Mapping

from scheduler_extender.health import Health
from scheduler_extender.metrics import Gauge
from scheduler_extender.standing import Standing
from serving.exposition import Sample


def gauges_of(health: Health, standings: Mapping[Standing, int]) -> tuple[Gauge, ...]:
    """All of them.

    Args:
        health: what the extender stands on.
        standings: how many nodes there are of each.
    """
    single = (
        ("scoring", "1 with a champion, 0 in neutral mode.", float(health.mode == "scoring")),
        ("nodes", "Nodes with a NodeState.", health.nodes),
        ("workloads_observed", "Workloads bounded by windows of their own.", health.workloads_observed),
        (
            "observations_set_aside",
            "Workloads whose own windows stand against another bundle or tier.",
            health.observations_set_aside,
        ),
        (
            "nodes_not_believed",
            "Nodes whose NodeState is stale, from the future or refused.",
            health.nodes_not_believed,
        ),
        ("oldest_state_seconds", "Age of the oldest NodeState.", health.oldest_state_seconds or 0.0),
    )
    return (
        *(Gauge(name=name, text=text, samples=(Sample(value=value),)) for name, text, value in single),
        Gauge(
            name="nodes_by_standing",
            text="Nodes by how far their NodeState can be believed.",
            samples=tuple(
                Sample(value=number, labels=(("standing", standing),)) for standing, number in standings.items()
            ),
        ),
        Gauge(
            name="champion",
            text="1 for the champion that serves, by its registered version and its bundle's digest.",
            samples=(Sample(value=1.0, labels=(("digest", health.champion), ("version", health.champion_version))),)
            if health.champion
            else (),
        ),
    )
