"""What a workload of the testbed is; those that there are stand in ``eval.testbed.catalogue``."""

from dataclasses import dataclass

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Behaviour
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import ALL_WAYS
from eval.testbed.scene import Tenant, unloaded_service_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One workload of the testbed.

    Attributes:
        name: its profile's key.
        group: what is held out together with it.
        indicator: what it is judged by.
        exclusive_cores: how many workers it has, each on a core (or on a thread, where the node hands out threads).
        forwarders: of these workers, those that only hand operations on to the others, or take them from there: stages
            of a pipeline with time to spare, that spin while they wait for the stage that holds them up.
        polls: whether its workers spin when there is nothing to do.
        load: offered load over what it could do with an idle memory system; ``None`` where it always has more to do.
        places: how many requests fit into a worker's queue.
        request_kinstructions: thousand instructions a request, the unit of its indicator.
        behaviour: what it does to the hardware.

    Raises:
        TestbedError: nobody would serve, or its forwarders have nothing to do, or more than they have time for.
    """

    name: str
    group: str
    indicator: IndicatorKind
    exclusive_cores: int
    polls: bool
    load: float | None
    behaviour: Behaviour
    forwarders: int = 0
    places: int = 24
    request_kinstructions: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.forwarders < self.exclusive_cores:
            raise TestbedError(
                f"{self.name} has {self.forwarders} forwarders of {self.exclusive_cores} workers: "
                "one at least must serve"
            )
        forwarding = self.behaviour.forward_ns
        if (self.forwarders > 0) != (forwarding > 0.0):
            raise TestbedError(
                f"{self.name} has {self.forwarders} forwarders and {forwarding} ns for them to forward an operation: "
                "both are above 0, or neither"
            )
        served_each_ns = unloaded_service_ns(self.behaviour) / self.serving
        if forwarding > self.forwarders * served_each_ns:
            raise TestbedError(
                f"{self.name} serves an operation each {served_each_ns:.0f} ns and its {self.forwarders} forwarders "
                f"need {forwarding:.0f} ns for one: give it more forwarders, or less to forward"
            )

    @property
    def serving(self) -> int:
        """Workers that operations wait for."""
        return self.exclusive_cores - self.forwarders

    def tenant(self, *, socket: int, threads: int, ways: int = ALL_WAYS) -> Tenant:
        """It in its place; as in ``eval.testbed.scene.Tenant``."""
        return Tenant(
            behaviour=self.behaviour,
            socket=socket,
            threads=threads,
            forwarders=self.forwarders,
            load=self.load,
            places=self.places,
            polls=self.polls,
            ways=ways,
        )
