"""Two directories that change places at once: whoever lists either name sees one of them whole, never a mixture.

Linux, ``renameat2(2)`` with ``RENAME_EXCHANGE``; ext4, xfs, btrfs and tmpfs have it.
"""

import ctypes
import os
from errno import EINVAL, ENOSYS, EOPNOTSUPP
from pathlib import Path

from feature_repo.errors import FeatureRepositoryError
from feature_repo.partitions import sync

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class NoExchangeError(FeatureRepositoryError):
    """The file system can't exchange two directories."""


def exchange(one: Path, other: Path) -> None:
    """Let two directories of one file system change places, which survives a power cut when this returns.

    Raises:
        NoExchangeError: the file system can't.
        OSError: another reason; nothing has changed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        if number in {EINVAL, ENOSYS, EOPNOTSUPP}:
            raise NoExchangeError(
                f"the file system of {one} can't exchange directories ({os.strerror(number)}), so files of history "
                "are not merged: put the state directory on ext4, xfs or btrfs"
            )
        raise OSError(number, os.strerror(number), str(one), None, str(other))
    sync(one.parent)
    sync(other.parent)
