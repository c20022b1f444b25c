"""Profiles, one a line: the good ones, and those that are refused."""

from pathlib import Path

from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from eval.traces.errors import DatasetError
from eval.traces.refusal import Refusal, Refusals

BROKEN_PROFILE = "broken profile"


def read_profiles(path: Path, refusals: Refusals, *, name: str) -> tuple[WorkloadProfile, ...]:
    """Read profiles; a line that breaks the contract is refused, for example a probed one without points.

    Args:
        path: of the file.
        refusals: takes such lines.
        name: what the file is called there.

    Raises:
        DatasetError: there is no such file.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DatasetError(f"profiles {path}: {error.strerror}; traces and profiles come together") from error
    profiles = []
    for number, line in enumerate(lines, start=1):
        try:
            profiles.append(WorkloadProfile.from_json(line))
        except ContractError as error:
            refusals.refuse(
                Refusal(
                    file=name,
                    row=number,
                    kind=BROKEN_PROFILE,
                    reason=str(error),
                    advice="make the profile again; rows that name it are refused, too",
                )
            )
    return tuple(profiles)
