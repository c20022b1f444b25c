"""Where the extender's knowledge comes from: the ports. Each says what changed since it was last asked.

Asking may read files or a network, so it is done beside the requests; what it yields is taken over between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Never, Protocol, TypeVar

from contracts.profile import WorkloadProfile
from serving.bound_model import BoundModel

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[T_co]):
    """One object came, changed or went.

    Attributes:
        name: what stays the same over an object's life: a node's name, a pod's UID.
        value: ``None`` where it is gone.
    """

    name: str
    value: T_co | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something can't be believed.

    Attributes:
        name: of the object, as of ``Change``; empty where it is of no single one.
        sentence: what, where and why.
        other_contract: it was written by another contract, and may be well by that one.
    """

    name: str
    sentence: str
    other_contract: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Generic[T_co]):
    """What changed, and then what was refused: what is known of it stays, and is not what it is now."""

    changed: Sequence[Change[T_co]] = ()
    refused: Sequence[Refusal] = ()


NOTHING: Changes[Never] = Changes()


class Source(Protocol[T_co]):
    """NodeStates, pods, profiles or observations, wherever they are from."""

    def changes(self) -> Changes[T_co]:
        """What changed since the last call; the first call yields all there is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Champion:
    """A verified bundle, ready to bound slowdowns.

    Attributes:
        digest: of the bundle.
        version: of the registered model.
        simulated: trained on the testbed's output.
        profiles: the bundle's snapshot of known workloads.
        model: bounds slowdowns.
    """

    digest: str
    version: str
    simulated: bool
    profiles: tuple[WorkloadProfile, ...]
    model: BoundModel


class Silence:
    """A source of what nobody watches."""

    def changes(self) -> Changes[Never]:
        """Nothing, ever."""
        return NOTHING


class ChampionSource(Protocol):
    """Whatever knows which bundle serves."""

    def change(self) -> Champion | None:
        """The champion, if it is another than at the last call.

        Raises:
            BundleError: another one was named that can't be used; it is not tried again until its files change.
        """
