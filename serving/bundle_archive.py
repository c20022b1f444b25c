"""A bundle as one stream of bytes: a plain tar, ``SHA256SUMS`` first.

The same bundle is always the same bytes: names in order, no owners, no times. Reading accepts headers of that form
alone (regular files of POSIX.1-1988, "ustar"), so no links, no paths, and none of the extensions.
"""

import re
import tarfile
from pathlib import Path

from contracts.bundle import SUMS_FILE, bundle_digest, parse_sums
from contracts.errors import ContractError
from serving.errors import BundleError, TornBundleError

LARGEST_ARCHIVE_BYTES = 16 << 20
"""What a node is willing to hold in memory for it; a bundle of today is a tenth of that."""

_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)
_FLAT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def archive_of(directory: Path) -> bytes:
    """The archive of a bundle that was verified.

    Args:
        directory: holds ``SHA256SUMS`` and the files that it names.

    Raises:
        BundleError: a file can't be read, or the archive would be larger than ``LARGEST_ARCHIVE_BYTES``.
    """
    try:
        sums = (directory / SUMS_FILE).read_bytes()
        files = {SUMS_FILE: sums} | {name: (directory / name).read_bytes() for name in sorted(parse_sums(sums))}
    except (OSError, ContractError) as error:
        raise BundleError(f"bundle in {directory} can't be sent: {error}; promote a model again") from error
    archive = b"".join(_member(name, content) for name, content in files.items()) + _END
    if len(archive) > LARGEST_ARCHIVE_BYTES:
        raise BundleError(
            f"bundle in {directory} takes {len(archive)} bytes to send, nodes accept {LARGEST_ARCHIVE_BYTES}: "
            "train smaller models"
        )
    return archive


def unpack_archive(archive: bytes, directory: Path, *, expected_digest: str) -> None:
    """Write an archive's files; whether each is what ``SHA256SUMS`` says is for ``read_bundle`` to tell.

    Args:
        archive: what a server sent; trusted in nothing.
        directory: exists and is empty.
        expected_digest: what the bundle was asked for by.

    Raises:
        TornBundleError: it ends early, goes on behind its end, or is no archive of that bundle; nothing is written.
        OSError: a file can't be written.
    """
    files = _files(memoryview(archive))
    sums = bytes(files.get(SUMS_FILE, b""))
    if bundle_digest(sums) != expected_digest:
        raise TornBundleError(f"archive is not that of bundle {expected_digest}: see who serves it")
    try:
        named = parse_sums(sums).keys()
    except ContractError as error:
        raise TornBundleError(f"archive of bundle {expected_digest} is refused: {error}") from error
    if odd := named ^ (files.keys() - {SUMS_FILE}):
        raise TornBundleError(
            f"archive of bundle {expected_digest} and its {SUMS_FILE} disagree on {', '.join(sorted(odd))}: "
            "fetch it again"
        )
    for name, content in files.items():
        (directory / name).write_bytes(content)


def _member(name: str, content: bytes) -> bytes:
    return _header(name, len(content)) + content + _padding(content)


def _header(name: str, size: int) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = size
    return header.tobuf(format=tarfile.USTAR_FORMAT, encoding="ascii", errors="strict")


def _padding(content: bytes | memoryview) -> bytes:
    return bytes(-len(content) % _BLOCK)


def _files(archive: memoryview) -> dict[str, memoryview]:
    files: dict[str, memoryview] = {}
    position = 0
    while archive[position:] != _END:
        name, size = _name_and_size(bytes(archive[position : position + _BLOCK]), position)
        position += _BLOCK
        content = archive[position : position + size]
        after = position + size + len(_padding(content))
        if after > len(archive) or any(archive[position + size : after]):
            raise TornBundleError(f"archive of a bundle is torn in {name} at byte {position}: fetch it again")
        if name in files:
            raise TornBundleError(f"archive of a bundle has {name} twice: fetch it again")
        files[name] = content
        position = after
    return files


def _name_and_size(block: bytes, position: int) -> tuple[str, int]:
    """Of a header that is, byte for byte, what this module writes of a plain file."""
    try:
        found = tarfile.TarInfo.frombuf(block, "ascii", "replace")
    except tarfile.HeaderError as error:
        raise TornBundleError(f"archive of a bundle has no file's header at byte {position}: fetch it again") from error
    lawful = _FLAT_NAME.fullmatch(found.name) is not None and 0 <= found.size <= LARGEST_ARCHIVE_BYTES
    if not lawful or block != _header(found.name, found.size):
        raise TornBundleError(
            f"archive of a bundle has {found.name[:100]!r} of type {found.type!r} and {found.size} bytes at byte "
            f"{position}; plain files alone are meant: see who serves it"
        )
    return found.name, found.size
